"""An SMTP server for the tests, on aiosmtpd: takes mails on a port of loopback and notes what happens, a JSON line each.

Usage: python smtp_server.py OPTIONS, which is JSON: folder, tls (none, starttls or tls), user, password, refuses (addresses),
aborts (ends the connection when a mail has come), waits (answers no mail before there is a file `go`). Prints its port.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

OPTIONS = json.loads(sys.argv[1])
FOLDER = pathlib.Path(OPTIONS["folder"])


def note(event, **more):
    with open(FOLDER / "events", "a", encoding="utf-8") as events:
        events.write(json.dumps({"event": event, **more}) + "\n")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in OPTIONS["refuses"]:
            note("refused", address=address)
            return "550 5.1.1 nobody here has that name"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server, session, envelope):
        if OPTIONS["aborts"]:
            note("aborted")
            server.transport.abort()
            return "451 gone"
        if OPTIONS["waits"]:
            note("waiting")
            while not (FOLDER / "go").exists():
                await asyncio.sleep(0.005)
        note(
            "mail",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            tls=server.transport.get_extra_info("ssl_object") is not None,
            login=bool(session.authenticated),
            text=envelope.content.decode("ascii"),
        )
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    wanted = LoginPassword(OPTIONS["user"].encode(), OPTIONS["password"].encode())
    good = data == wanted
    note("login", good=good)
    return AuthResult(success=good, handled=False)


async def main():
    tls = OPTIONS["tls"]
    context = None
    if tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FOLDER / "certificate.pem", FOLDER / "key.pem")
    words = {"hostname": "smtp.test", "auth_require_tls": tls == "starttls"}
    if tls == "starttls":
        words.update(tls_context=context, require_starttls=True)
    if OPTIONS["user"]:
        words.update(authenticator=authenticate, auth_required=True)
    loop = asyncio.get_running_loop()
    wrapper = context if tls == "tls" else None
    server = await loop.create_server(lambda: SMTP(Handler(), **words), "127.0.0.1", 0, ssl=wrapper)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
