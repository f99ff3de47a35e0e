# The application of `tests/chaos --kill worker`. It echoes, and publishes what it did, once for each
# event: "connection ID", "did ID TEXT..." with the first two words of a message, "close ID".
# application.php is the same for `--kill callback`. It takes its time, in the middle of an event too:
# there it is to be killed.
import json, random, sys, time

SLOWEST = 0.01  # s, half of it on average for an event


def rest():
    sys.stdout.flush()
    time.sleep(random.uniform(0, SLOWEST / 2))



def call(name, **members):
    print(json.dumps({"call": name, **members}))


def tell(*words):
    call("publish", channel="effects", data=" ".join(words))


def hear(id, text):
    if text == "audit":
        call("subscribe", id=id, channel="effects")
        call("write", id=id, data="audit")
    elif text == "bye":
        call("close", id=id, code=3000, reason="bye")
    else:
        call("write", id=id, data=text)
        rest()
        tell("did", id, *text.split(" ")[:2])


for line in sys.stdin.buffer:
    event = json.loads(line)
    if event["event"] == "data":
        hear(event["id"], event["data"])
    elif event["event"] in ("connection", "close"):
        tell(event["event"], event["id"])
    elif event["event"] == "error" and event["code"] != "gone":
        tell("error", event["code"], event["message"])
    rest()
    if "seq" in event:
        call("ack", seq=event["seq"])
    sys.stdout.flush()
