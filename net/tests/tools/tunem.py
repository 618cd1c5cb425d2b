#!/usr/bin/env python3
"""User-space netem for a kernel without CONFIG_NET_SCH_NETEM.
Creates two network namespaces joined by two TUN devices and forwards IPv4 packets between
them with loss / duplication / reordering (extra delay) / delay+jitter / byte corruption.
usage: tunem.py NSA NSB --loss 0.05 --dup 0.01 --reorder 0.1 --delay 0.01 --jitter 0.005 --corrupt 0.0 --seed 1
NSA gets 10.77.0.1, NSB 10.77.0.2 (both /24, mtu 1500).  Ctrl-C, SIGTERM and the end of the process that
started it tear down."""
import argparse, ctypes, fcntl, heapq, os, random, select, signal, struct, subprocess, sys, time
p = argparse.ArgumentParser(); p.add_argument('a'); p.add_argument('b')
for n in 'loss dup reorder delay jitter corrupt'.split(): p.add_argument('--'+n, type=float, default=0.0)
p.add_argument('--seed', type=int, default=1); o = p.parse_args(); R = random.Random(o.seed)
libc = ctypes.CDLL(None, use_errno=True); CLONE_NEWNET = 0x40000000
libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
sh = lambda c: subprocess.run(c, shell=True, check=True)
root = os.open('/proc/self/ns/net', os.O_RDONLY)
def tun(ns, addr):
    sh(f'ip netns add {ns} 2>/dev/null || true')
    f = os.open(f'/run/netns/{ns}', os.O_RDONLY); libc.setns(f, CLONE_NEWNET); os.close(f)
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454ca, struct.pack('16sH22s', b'em0', 0x0001 | 0x1000, b''))  # IFF_TUN|IFF_NO_PI
    sh(f'ip addr add {addr}/24 dev em0; ip link set lo up; ip link set em0 mtu 1500 up')
    libc.setns(root, CLONE_NEWNET); return fd
fa, fb = tun(o.a, '10.77.0.1'), tun(o.b, '10.77.0.2')
stop = []; signal.signal(signal.SIGTERM, lambda *_: stop.append(1)); signal.signal(signal.SIGINT, lambda *_: stop.append(1))
q = []; seq = 0; st = dict(fwd=0, loss=0, dup=0, reorder=0, corrupt=0)
print('ready', flush=True)
while not stop:
    now = time.monotonic()
    while q and q[0][0] <= now:
        _, _, dst, pkt = heapq.heappop(q)
        try: os.write(dst, pkt); st['fwd'] += 1
        except OSError: pass
    r, _, _ = select.select([fa, fb], [], [], max(0, min(0.5, q[0][0]-now)) if q else 0.5)
    for fd in r:
        dst = fb if fd == fa else fa
        for _ in range(64):
            try: pkt = os.read(fd, 65536)
            except BlockingIOError: break
            if R.random() < o.loss: st['loss'] += 1; continue
            t = time.monotonic() + o.delay + R.random()*o.jitter
            if R.random() < o.reorder: t += 0.02; st['reorder'] += 1
            if R.random() < o.corrupt:
                b = bytearray(pkt); i = R.randrange(20, len(b)) if len(b) > 20 else 0; b[i] ^= 1 << R.randrange(8); pkt = bytes(b); st['corrupt'] += 1
            for k in range(2 if R.random() < o.dup else 1):
                seq += 1; st['dup'] += k; heapq.heappush(q, (t, seq, dst, pkt))
print(st, flush=True)
for ns in (o.a, o.b): subprocess.run(f'ip netns del {ns}', shell=True)
