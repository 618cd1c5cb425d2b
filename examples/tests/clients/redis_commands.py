"""Has the Python package `redis` use every command of the server; asserts what each says.

Arguments: the server's address and port.
"""

import sys
import threading

import redis

host, port = sys.argv[1], int(sys.argv[2])


def connect(**options):
    return redis.Redis(host=host, port=port, socket_timeout=50, **options)


def refused(kind, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"{arguments} were accepted")


def strings(r):
    assert r.set("key", "value") is True
    assert r.get("key") == b"value"
    assert r.get("none") is None
    assert r.set("key", "other", nx=True) is None
    assert r.set("none", "other", xx=True) is None
    assert r.set("key", "new", xx=True) is True
    assert r.get("key") == b"new"
    assert r.mset({"a": "1", "b": "2"}) is True
    assert r.mget("a", "none", "b") == [b"1", None, b"2"]
    assert (r.incr("n"), r.incr("n", 10), r.decr("n"), r.decr("n", 5)) == (1, 11, 10, 5)
    assert "not an integer" in refused(redis.ResponseError, r.incr, "key")
    r.set("n", 2**63 - 1)
    assert "overflow" in refused(redis.ResponseError, r.incr, "n")
    binary = bytes(range(256)) * 5
    r.set(binary, binary)
    assert r.get(binary) == binary
    for length in [0, 1, 1023, 1024, 65_535, 65_536, 3_000_000]:
        r.set("long", b"x" * length)
        assert r.get("long") == b"x" * length, length


def keys(r):
    r.set("one", 1)
    r.set("two", 2)
    assert r.exists("one", "two", "none") == 2
    assert r.type("one") == b"string" and r.type("none") == b"none"
    assert r.delete("one", "two", "none") == 2
    assert r.ttl("none") == -2
    r.set("one", 1)
    assert r.ttl("one") == -1
    assert r.expire("one", 100) is True and 0 < r.ttl("one") <= 100
    assert r.persist("one") is True and r.ttl("one") == -1
    r.set("two", 2, ex=100)
    assert 0 < r.ttl("two") <= 100
    r.set("two", 2, px=50_000)
    assert 0 < r.pttl("two") <= 50_000
    r.set("two", 2)
    assert r.ttl("two") == -1
    r.set("two", 2, px=1)
    while r.get("two") is not None:
        pass
    assert r.exists("two") == 0
    assert r.expire("one", 0) is True and r.exists("one") == 0


def lists(r):
    assert r.rpush("list", "b", "c") == 2
    assert r.lpush("list", "a", "z") == 4
    assert r.lrange("list", 0, -1) == [b"z", b"a", b"b", b"c"]
    assert r.lrange("list", -2, -1) == [b"b", b"c"]
    assert r.lrange("none", 0, -1) == []
    assert (r.lpop("list"), r.rpop("list"), r.llen("list")) == (b"z", b"c", 2)
    assert r.lpop("list", 5) == [b"a", b"b"]
    assert r.exists("list") == 0 and r.lpop("list") is None and r.lpop("list", 2) is None
    r.set("string", "x")
    assert "wrong kind" in refused(redis.ResponseError, r.lpush, "string", "x")


def sets(r):
    assert r.sadd("set", "a", "b", "a") == 2
    assert r.smembers("set") == {b"a", b"b"}
    assert r.smembers("none") == set()
    assert bool(r.sismember("set", "a")) and not r.sismember("set", "c")
    assert r.srem("set", "a", "c") == 1 and r.scard("set") == 1
    assert r.spop("set") == b"b" and r.exists("set") == 0


def hashes(r):
    assert r.hset("hash", mapping={"a": "1", "b": "2"}) == 2
    assert r.hset("hash", "a", "3") == 0
    assert r.hget("hash", "a") == b"3" and r.hget("hash", "c") is None
    assert r.hgetall("hash") == {b"a": b"3", b"b": b"2"}
    assert r.hgetall("none") == {}
    assert r.hincrby("hash", "a", 4) == 7
    assert r.hlen("hash") == 2 and r.hdel("hash", "a", "b", "c") == 2 and r.exists("hash") == 0


def pipelines(r):
    for transaction in [False]:
        pipeline = r.pipeline(transaction=transaction)
        for i in range(5_000):
            pipeline.set(f"p{i}", i)
            pipeline.get(f"p{i}")
        pipeline.lpush("p0", "wrong")
        pipeline.ping()
        answers = pipeline.execute(raise_on_error=False)
        assert answers[1:10_000:2] == [str(i).encode() for i in range(5_000)]
        assert isinstance(answers[10_000], redis.ResponseError) and answers[10_001] is True


def messages(r):
    subscriber = connect().pubsub()
    subscriber.subscribe("one", "two")
    seen = [subscriber.get_message(timeout=50) for _ in range(2)]
    assert [m["type"] for m in seen] == ["subscribe"] * 2, seen
    assert (r.publish("one", "first"), r.publish("three", "nobody")) == (1, 0)
    assert r.publish("two", b"x" * 100_000) == 1
    first, second = [subscriber.get_message(timeout=50) for _ in range(2)]
    assert (first["channel"], first["data"]) == (b"one", b"first")
    assert second["data"] == b"x" * 100_000
    # Many at once, which the other end reads as they come.
    heard = []

    def hear():
        while len(heard) < 20_000:
            message = subscriber.get_message(timeout=50)
            heard.append(int(message["data"]))

    thread = threading.Thread(target=hear)
    thread.start()
    for start in range(0, 20_000, 500):
        pipeline = r.pipeline(transaction=False)
        for i in range(start, start + 500):
            pipeline.publish("one", i)
        assert pipeline.execute() == [1] * 500
        while len(heard) < start:
            pass
    thread.join()
    assert heard == list(range(20_000))
    subscriber.unsubscribe("one")
    assert subscriber.get_message(timeout=50)["type"] == "unsubscribe"
    assert r.publish("one", "gone") == 0
    subscriber.close()


def server(r):
    assert r.ping() is True and r.echo("hello") == b"hello"
    assert r.info()["role"] == "master" and r.info("server")["redis_version"]
    assert r.config_get("save") == {"save": ""}
    assert set(r.config_get("*")) >= {"save", "appendonly"}
    assert r.client_setname("me") is True and r.client_getname() in (b"me", "me")
    assert r.client_id() > 0
    assert "set" in r.command() and r.command_count() > 30
    assert "unknown command" in refused(redis.ResponseError, r.execute_command, "NOTHING")
    assert "wrong number" in refused(redis.ResponseError, r.execute_command, "GET")
    assert "syntax error" in refused(redis.ResponseError, r.execute_command, "SET", "a", "b", "?")
    assert r.dbsize() > 0 and r.flushall() is True and r.dbsize() == 0


# Version 3 of the protocol came to the package with its fifth.
protocols = [2, 3] if int(redis.__version__.split(".")[0]) >= 5 else [2]
for protocol in protocols:
    client = connect(**({} if protocol == 2 else {"protocol": protocol}))
    for part in [strings, keys, lists, sets, hashes, pipelines, messages, server]:
        client.flushall()
        client.set("there is always a key", "")
        part(client)
print("every command says what it should")
