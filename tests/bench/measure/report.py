# SPDX-License-Identifier: Apache-2.0
"""Numbers as tables that can be pasted into Markdown, and the goals beside them."""

from .variants import AGENT, FLOOR


def table(head, rows):
    cells = [head, *[["-" if c is None else str(c) for c in row] for row in rows]]
    width = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, width))) + " |"
    rule = "|" + "|".join(("-" * (w + 2)) if i == 0 else ("-" * (w + 1) + ":") for i, w in enumerate(width)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def ms(us):
    return None if us is None else f"{us / 1000:.2f}"


def mib(kib):
    return None if kib is None else f"{kib / 1024:.1f}"


def ratio(row, floor, name):
    if not floor or not row[name] or not floor[name]:
        return None
    return f"{row[name] / floor[name]:.2f}"


def speed(rows):
    floor = rows.get(FLOOR)
    out = table(["rename to served, ms", "swaps", "p50", "p90", "p99", "max", "missed", "failed handshakes", "p50 / floor",
                 "p99 / floor"],
                [[name, r["swaps"], ms(r["p50_us"]), ms(r["p90_us"]), ms(r["p99_us"]), ms(r["max_us"]), r["missed"],
                  f"{r['failed_handshakes']} of {r['handshakes']}", ratio(r, floor, "p50_us"), ratio(r, floor, "p99_us")]
                 for name, r in rows.items()])
    flush = (floor or {}).get("server_flush")
    if flush:
        out += f"\n\nThe server's own FLUSH takes {ms(flush['p50_us'])} ms of each (median; p99 {ms(flush['p99_us'])})."
    return out


def idle(rows):
    return table(["idle", "RSS MiB", "private MiB", "dirty MiB", "PSS MiB", "threads", "fds", "CPU us/min", "wake-ups/min"],
                 [[name, mib(r["rss_kib"]), mib(r.get("private_kib")), mib(r.get("private_dirty_kib")), mib(r.get("pss_kib")), r["threads"], r.get("fds"),
                   f"{r['cpu_us_per_minute']:.0f}", f"{r['wakeups_per_minute']:.1f}"] for name, r in rows.items()])


def growth(r):
    rows = [[when, mib(r[when]["rss_kib"]), r[when]["rss_kib"], r[when].get("private_kib"), r[when].get("fds")]
            for when in ("before", "after")]
    return (table([f"{r['rotations']} rotations", "RSS MiB", "RSS KiB", "private KiB", "fds"], rows)
            + f"\n\n{r['seconds']:.1f} s, {r['missed']} missed, {r['failed_handshakes']} failed handshakes.")


def validation(rows):
    return table(["one bundle, median us", *dict.fromkeys(f"{r['by']} {r['bundle']}" for r in rows)],
                 [[step, *[next((f"{r['p50_us']:.0f}" for r in rows if (r["by"], r["bundle"], r["step"]) == (*column, step)),
                                None) for column in dict.fromkeys((r["by"], r["bundle"]) for r in rows)]]
                  for step in dict.fromkeys(r["step"] for r in rows)])


def size(rows):
    return table(["size", "stripped KiB", "shared libraries", "their KiB", "all KiB"],
                 [[name, r["bytes"] // 1024, r["libraries"], r["libraries_bytes"] // 1024,
                   (r["bytes"] + r["libraries_bytes"]) // 1024] for name, r in rows.items()])


def goals(result):
    """(what, measured, limit) for what was measured."""
    fast, still, grown = result.get("speed") or {}, result.get("idle") or {}, result.get("growth")
    if fast.get(AGENT, {}).get("p50_us") and fast.get(FLOOR, {}).get("p50_us"):
        yield "median / floor", fast[AGENT]["p50_us"] / fast[FLOOR]["p50_us"], 1.15
        yield "p99 / floor", fast[AGENT]["p99_us"] / fast[FLOOR]["p99_us"], 1.5
        yield "swaps missed", fast[AGENT]["missed"], 0
        yield "failed handshakes", fast[AGENT]["failed_handshakes"], 0
    if AGENT in still:
        if "private_dirty_kib" in still[AGENT]:
            yield "idle private (dirty) MiB", still[AGENT]["private_dirty_kib"] / 1024, 2.5
        yield "idle RSS MiB", still[AGENT]["rss_kib"] / 1024, 10
        yield "idle wake-ups a minute", still[AGENT]["wakeups_per_minute"], 2
    if grown:
        yield "growth of RSS, MiB", (grown["after"]["rss_kib"] - grown["before"]["rss_kib"]) / 1024, 0.25
        if "fds" in grown["after"]:
            yield "growth of descriptors", grown["after"]["fds"] - grown["before"]["fds"], 0


def render(result):
    m = result["machine"]
    parts = [f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, MariaDB {m['server']}, load {m['load']:.1f} at the start, "
             f"{m['time']}"]
    for name, draw in (("speed", speed), ("idle", idle), ("growth", growth), ("validation", validation), ("size", size)):
        if result.get(name):
            parts.append(draw(result[name]))
    parts += [f"skipped: {name}: {why}" for name, why in (result.get("skipped") or {}).items()]
    met = [[what, f"{value:.2f}", limit, "met" if value <= limit else "MISSED"] for what, value, limit in goals(result)]
    if met:
        parts.append(table(["goal", "measured", "at most", ""], met))
    return "\n\n".join(parts)
