# The smallest worker: sends back what it hears.
import json, sys

for line in sys.stdin.buffer:
    event = json.loads(line)
    if event["event"] == "data":
        print(json.dumps({"call": "write", "id": event["id"], "data": event["data"]}))
    if "seq" in event:
        print(json.dumps({"call": "ack", "seq": event["seq"]}), flush=True)
