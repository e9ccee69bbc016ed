# Python. event["data"] is an object when the event is JSON, and bytes when it is not.
def handler(event, context):
    order = event["data"]
    number = order.get("order") if isinstance(order, dict) else order
    print(f"{context['function-name']}: would send an e-mail about order {number!r}")
    return {"emailed": event["event-id"]}
