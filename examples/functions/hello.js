// Node.js, ES module.
export function handler(event) {
  const name = typeof event.data === 'object' ? (event.data.name ?? 'world') : event.data;
  console.log(`Hello, ${name}!`);
  return `Hello, ${name}!`;
}
