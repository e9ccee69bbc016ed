// Node.js, CommonJS. Called once for each order; what it returns is the body of the answer.
let orders = 0;

module.exports.handler = async (event, context) => {
  orders += 1;
  const topic = event.extensions.request.headers['event-topic'];
  console.log(`${context['function-name']}: order ${JSON.stringify(event.data)} from ${topic}, ${orders} so far`);
  return { audited: event['event-id'], orders };
};
