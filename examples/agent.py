"""An agent that joins a circle and answers what people say there.

    TOKEN=$(make -s token ID=agent-7 KIND=agent GRANTS='circles:*:rw') python examples/agent.py

It needs `pip install ./clients/python` (make has done that in `.venv`). Whatever happens to the
connection or the server meanwhile, each message is answered once.
"""

import asyncio
import os

import hearth_realtime

CIRCLE = os.environ.get("CIRCLE", "dev-team")
URL = os.environ.get("HEARTH_URL", "http://localhost:8000")


async def main() -> None:
    async with hearth_realtime.connect(URL, token=os.environ.get("TOKEN")) as hearth:
        circle = await hearth.circle(CIRCLE)
        print(f"joined {CIRCLE}, {(await circle.presence()).count} here", flush=True)
        async for message in circle:
            if message.type == hearth_realtime.DISCONTINUITY:
                print("some messages are lost; here is what is left", flush=True)
            if message.type != "user_message":
                continue
            content = message.data["content"]
            sender = message.sender["id"] if message.sender else "somebody"  # a worker need not say
            print(f"{sender}: {content}", flush=True)
            answer = {"content": f"You said: {content}"}  # its `agent_id` is the token's sub
            nonce = f"answer-{message.epoch}-{message.offset}"
            await circle.publish("agent_message", answer, nonce=nonce)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("bye")
    except hearth_realtime.HearthError as error:
        raise SystemExit(f"gave up: {error}") from None
