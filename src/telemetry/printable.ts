/** Text for a terminal: what came from outside may hold escape sequences, which would act on the reader's terminal. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, '\u00b7');
