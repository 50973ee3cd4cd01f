"""From a word typed to the customer's mailbox: when it leaves, what it looks like, once; and what never leaves."""

from tests.mailing import Post


def test_try(small_post: Post) -> None:
    w = small_post.world
    item = w.feedback(customer={"name": "Kim Minji", "email": "minji@example.com"})
    p = f"/feedback/{item['id']}/messages"
    for body in (
        {"to": "customer", "body": "Hello\nyou"},
        {"to": "customer", "kind": "unasked", "body": "More"},
        {"to": ["ceo@b.co"], "body": "Look"},
    ):
        r = w.bob.ask("POST", p, body)
        assert r.status_code == 201
    assert small_post.send() == []
    for t in small_post.later():
        print(t.message)
        print(t.part("plain"))
        print(t.part("html"))
    print([(m["state"], m["sent_at"]) for m in w.bob.get(p)["items"]])
    print([e["type"] for e in w.events()][-8:])
