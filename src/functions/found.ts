/** A function as one of the adapters finds it: what it is called, and the Service in front of it. */
export interface FoundFunction {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
  /** Undefined: there is nothing to call, or it may not be called. */
  readonly service: FunctionService | undefined;
}

export interface FunctionService {
  readonly name: string;
  readonly port: number;
  /** Undefined: the Service has one port without a name, or its name is not known. */
  readonly portName: string | undefined;
}
