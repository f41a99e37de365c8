# Times: parsed, compared, taken apart. `now` comes with the input, so that the answer stays.
package times

now_ns := time.parse_rfc3339_ns(input.now)

expired contains id if {
	some id, until in input.waivers
	time.parse_rfc3339_ns(until) <= now_ns
}

soon contains id if {
	some id, until in input.waivers
	left := time.parse_rfc3339_ns(until) - now_ns
	left > 0
	left < time.parse_duration_ns("72h")
}

parts := {
	"date": time.date(now_ns),
	"clock": time.clock(now_ns),
	"clock_in_zone": time.clock([now_ns, "Europe/Berlin"]),
	"weekday": time.weekday(now_ns),
	"later": time.format(time.add_date(now_ns, 0, 1, 1)),
	"difference": time.diff(time.add_date(now_ns, 1, 2, 3), now_ns),
	"formatted": time.format([now_ns, "UTC", "2006-01-02"]),
	"parsed": time.parse_ns("02 Jan 06", "03 Mar 26"),
}

weekend if time.weekday(now_ns) in {"Saturday", "Sunday"}
