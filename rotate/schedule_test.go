package rotate

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tables below must not depend on the machine's zone files
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func scheduleOf(t testing.TB, spec string, zone *time.Location) *Schedule {
	t.Helper()
	s, err := ParseSchedule(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScheduleRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                      "is empty",
		"  \t ":                                 "is empty",
		"TZ=":                                   "names no time zone",
		"CRON_TZ=":                              "names no time zone",
		"TZ= * * * * *":                         "names no time zone",
		"TZ=UTC":                                "nothing after the time zone",
		"CRON_TZ=Europe/Paris":                  "nothing after the time zone",
		"TZ=Mars/Olympus 0 0 * * *":             "not a time zone",
		"TZ=../../etc/passwd 0 0 * * *":         "not a time zone",
		"TZ=UTC @every 1h":                      "means nothing",
		"0 0 31 2 *":                            "would never run",
		"0 0 30 2 *":                            "would never run",
		"0 0 31 4,6,9,11 *":                     "would never run",
		"0 0 30-31 feb ?":                       "would never run",
		",,, * * * *":                           "empty item",
		", * * * *":                             "empty item",
		"1,,2 * * * *":                          "empty item",
		"1, * * * *":                            "empty item",
		"*/70 * * * *":                          "step 70 is not within 1-59",
		"*/60 * * * *":                          "step 60 is not within 1-59",
		"*/0 * * * *":                           "step 0 is not within",
		"0 */24 * * *":                          "step 24 is not within 1-23",
		"*-5 * * * *":                           "begins with a number",
		"+5 * * * *":                            "not a number",
		"-5 * * * *":                            "a number is missing",
		"5- * * * *":                            "a number is missing",
		"5-6-7 * * * *":                         "not a number",
		"5/ * * * *":                            "a number is missing",
		"5/2/2 * * * *":                         "not a number",
		"0-59/4294967296 * * * *":               "too large",
		"99999999999999999999 * * * *":          "too large",
		"60 * * * *":                            "60 is not within 0-59",
		"0 24 * * *":                            "24 is not within 0-23",
		"0 0 0 * *":                             "0 is not within 1-31",
		"0 0 * 13 *":                            "13 is not within 1-12",
		"0 0 * * 8":                             "8 is not within 0-7",
		"0 0 * * funday":                        "not a number",
		"0 0 * * anm":                           "not a number",
		"0 0 L * *":                             "not a number",
		"* * * *":                               "has 4 fields",
		"* * * * * * *":                         "has 7 fields",
		"@every":                                "not a duration",
		"@every 0s":                             "shorter than 1s",
		"@every -5m":                            "shorter than 1s",
		"@every 500ms":                          "shorter than 1s",
		"@every 1.5s":                           "whole number of seconds",
		"@every 9000h":                          "longer than 366 days",
		"@every 9999999999999h":                 "not a duration",
		"@reboot":                               "no time",
		"@fortnightly":                          "not one of",
		"@daily @daily":                         "not one of",
		"hello":                                 "has 1 fields",
		strings.Repeat("1,", 600) + "1 * * * *": "limit 1024",
	} {
		s, err := ParseSchedule(spec, time.UTC)
		if err == nil {
			t.Errorf("%.60q: accepted, next %v", spec, s.Next(time.Unix(0, 0)))
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q in it", spec, err, want)
		}
		if len(err.Error()) > 400 {
			t.Errorf("%.60q: the error has %d bytes", spec, len(err.Error()))
		}
	}
}

// The next runs after Wednesday 2026-04-15 12:34:56 UTC.
func TestScheduleNext(t *testing.T) {
	after := time.Date(2026, 4, 15, 12, 34, 56, 789, time.UTC)
	for spec, want := range map[string]string{
		"* * * * *":                     "04-15 12:35:00 04-15 12:36:00",
		"* * * * * *":                   "04-15 12:34:57 04-15 12:34:58",
		"*/15 * * * *":                  "04-15 12:45:00 04-15 13:00:00",
		"30 3 * * *":                    "04-16 03:30:00 04-17 03:30:00",
		"05 30 3 * * *":                 "04-16 03:30:05 04-17 03:30:05",
		"@daily":                        "04-16 00:00:00 04-17 00:00:00",
		"@DAILY":                        "04-16 00:00:00 04-17 00:00:00",
		"@midnight":                     "04-16 00:00:00 04-17 00:00:00",
		"@hourly":                       "04-15 13:00:00 04-15 14:00:00",
		"@weekly":                       "04-19 00:00:00 04-26 00:00:00",
		"@monthly":                      "05-01 00:00:00 06-01 00:00:00",
		"@every 90m":                    "04-15 14:04:56 04-15 15:34:56",
		"@every 1d":                     "04-16 12:34:56 04-17 12:34:56",
		"0 0 * * 7":                     "04-19 00:00:00 04-26 00:00:00",
		"0 0 * * 5-1":                   "04-17 00:00:00 04-18 00:00:00 04-19 00:00:00 04-20 00:00:00 04-24 00:00:00",
		"0 0 * * fri-MON":               "04-17 00:00:00 04-18 00:00:00 04-19 00:00:00 04-20 00:00:00 04-24 00:00:00",
		"0 0 * * 6-7":                   "04-18 00:00:00 04-19 00:00:00 04-25 00:00:00",
		"0 0 * * 7-1":                   "04-19 00:00:00 04-20 00:00:00 04-26 00:00:00",
		"0 0 * * 7-7":                   "04-19 00:00:00 04-26 00:00:00",
		"0 0 * * 0-7":                   "04-16 00:00:00 04-17 00:00:00 04-18 00:00:00 04-19 00:00:00 04-20 00:00:00",
		"0 22-2/2 * * *":                "04-15 22:00:00 04-16 00:00:00 04-16 02:00:00 04-16 22:00:00",
		"10/20 * * * *":                 "04-15 12:50:00 04-15 13:10:00 04-15 13:30:00",
		"0 0 1 jan,jul *":               "07-01 00:00:00 01-01 00:00:00",
		"0 0 1 11-2 *":                  "11-01 00:00:00 12-01 00:00:00 01-01 00:00:00 02-01 00:00:00 11-01 00:00:00",
		"0 0 13 * fri":                  "04-17 00:00:00 04-24 00:00:00 05-01 00:00:00 05-08 00:00:00 05-13 00:00:00",
		"TZ=Asia/Tokyo 0 3 * * *":       "04-15 18:00:00 04-16 18:00:00",
		"CRON_TZ=Asia/Tokyo\t0 3 * * *": "04-15 18:00:00 04-16 18:00:00",
		"  TZ=Asia/Tokyo   @daily  ":    "04-15 15:00:00 04-16 15:00:00",
	} {
		s := scheduleOf(t, spec, time.UTC)
		var got []string
		at := after
		for range len(strings.Fields(want)) / 2 {
			at = s.Next(at)
			got = append(got, at.UTC().Format("01-02 15:04:05"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %s, want %s", spec, strings.Join(got, " "), want)
		}
		if s.String() != strings.TrimSpace(spec) {
			t.Errorf("String %q, want %q", s.String(), strings.TrimSpace(spec))
		}
	}
}

func TestScheduleLeapDayAcrossACentury(t *testing.T) {
	s := scheduleOf(t, "0 0 29 2 *", time.UTC)
	got := s.Next(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC))
	if want := time.Date(2104, 2, 29, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("next %v, want %v", got, want)
	}
}

// Changes of clocks: all runs from one local time on, with their offsets.
func TestScheduleClockChanges(t *testing.T) {
	for _, c := range []struct{ name, zone, spec, from, want string }{
		{"gap", "America/New_York", "30 2 * * *", "2026-03-07 12:00", "03-08 03:00 EDT, 03-09 02:30 EDT"},
		{"several runs in a gap are one", "America/New_York", "0,15,30,45 2 * * *", "2026-03-07 12:00", "03-08 03:00 EDT, 03-09 02:00 EDT"},
		{"a gap does not add to a run at its end", "America/New_York", "30 2,3 * * *", "2026-03-07 12:00", "03-08 03:00 EDT, 03-08 03:30 EDT, 03-09 02:30 EDT"},
		{"twice", "America/New_York", "30 1 * * *", "2026-10-31 12:00", "11-01 01:30 EDT, 11-02 01:30 EST"},
		{"twice, from between", "America/New_York", "30 1 * * *", "2026-11-01 01:45", "11-02 01:30 EST"},
		{"twice, later hour", "America/New_York", "0 2 * * *", "2026-10-31 12:00", "11-01 02:00 EST, 11-02 02:00 EST"},
		{"hours with a step", "America/New_York", "0 */2 * * *", "2026-03-07 23:30", "03-08 00:00 EST, 03-08 03:00 EDT, 03-08 04:00 EDT"},
		{"midnight gap", "Africa/Cairo", "@daily", "2026-04-23 12:00", "04-24 01:00 EEST, 04-25 00:00 EEST"},
		{"midnight gap", "Africa/Cairo", "0 */12 * * *", "2026-04-23 13:00", "04-24 01:00 EEST, 04-24 12:00 EEST"},
		{"midnight twice", "Africa/Cairo", "30 23 * * *", "2026-10-29 12:00", "10-29 23:30 EEST, 10-30 23:30 EET"},
		{"midnight gap", "America/Santiago", "0 0 * * *", "2026-09-05 12:00", "09-06 01:00 -03, 09-07 00:00 -03"},
		{"midnight gap", "America/Sao_Paulo", "0 0 * * *", "2018-11-03 12:00", "11-04 01:00 -02, 11-05 00:00 -02"},
		{"half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", "10-04 02:30 +11, 10-05 02:15 +11"},
		{"half an hour twice", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04 12:00", "04-05 01:45 +11, 04-06 01:45 +1030"},
		{"a day skipped", "Pacific/Apia", "0 4 * * *", "2011-12-29 03:00", "12-29 04:00 -10, 12-31 00:00 +14, 12-31 04:00 +14"},
		{"weekday", "Africa/Cairo", "0 0 * * fri", "2026-04-18 12:00", "04-24 01:00 EEST, 05-01 00:00 EEST"},
		{"all hours, gap", "America/New_York", "30 * * * *", "2026-03-08 00:45", "03-08 01:30 EST, 03-08 03:30 EDT, 03-08 04:30 EDT"},
		{"all hours, twice", "America/New_York", "30 * * * *", "2026-11-01 00:45", "11-01 01:30 EDT, 11-01 01:30 EST, 11-01 02:30 EST"},
		{"all hours, no midnight", "Africa/Cairo", "@hourly", "2026-04-23 22:30", "04-23 23:00 EET, 04-24 01:00 EEST, 04-24 02:00 EEST"},
		{"all hours of a day", "Africa/Cairo", "0 * 24 * *", "2026-04-23 22:30", "04-24 01:00 EEST, 04-24 02:00 EEST"},
		{"past the table, leap year", "America/New_York", "0 0 * * *", "2040-12-30 12:00", "12-31 00:00 EST, 01-01 00:00 EST, 01-02 00:00 EST"},
		{"past the table, all hours", "America/New_York", "0 * * * *", "2040-12-31 22:30", "12-31 23:00 EST, 01-01 00:00 EST"},
	} {
		t.Run(c.zone+" "+c.name, func(t *testing.T) {
			zone := zoneOf(t, c.zone)
			at, err := time.ParseInLocation("2006-01-02 15:04", c.from, zone)
			if err != nil {
				t.Fatal(err)
			}
			s := scheduleOf(t, c.spec, zone)
			var got []string
			for range strings.Split(c.want, ", ") {
				at = s.Next(at)
				got = append(got, at.Format("01-02 15:04 MST"))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.spec, strings.Join(got, ", "), c.want)
			}
		})
	}
}

// Every zone below changed its clocks in one of the years, or is odd.
func restlessZones() []string {
	return []string{
		"UTC", "America/New_York", "America/Santiago", "America/Havana", "America/Nuuk", "America/St_Johns",
		"America/Sao_Paulo", "America/Scoresbysund", "America/Asuncion", "Africa/Cairo", "Africa/Casablanca",
		"Africa/El_Aaiun", "Antarctica/Troll", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu",
		"Asia/Tehran", "Atlantic/Azores", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin",
		"Europe/Chisinau", "Europe/Dublin", "Europe/London", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Easter",
		"Pacific/Kiritimati", "Pacific/Norfolk",
	}
}

func TestDailyRunsOnceEachCivilDay(t *testing.T) {
	for _, name := range restlessZones() {
		zone := zoneOf(t, name)
		for _, year := range []int{2026, 2040} {
			for _, minute := range []int{0, 30, 75, 150, 210, 12 * 60, 23*60 + 15} {
				checkDaily(t, zone, year, minute)
			}
		}
	}
}

func checkDaily(t *testing.T, zone *time.Location, year, minute int) {
	t.Helper()
	s := scheduleOf(t, fmt.Sprintf("%d %d * * *", minute%60, minute/60), zone)
	runs := map[string]int{}
	at := time.Date(year-1, 12, 30, 12, 0, 0, 0, zone)
	for at.Year() <= year {
		next := s.Next(at)
		if !next.After(at) {
			t.Fatalf("%s %s: after %v comes %v", zone, s, at, next)
		}
		at = next
		runs[dayMeant(at, minute)]++
	}
	for day := time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC); day.Year() == year; day = day.AddDate(0, 0, 1) {
		if n := runs[day.Format(time.DateOnly)]; n != 1 {
			t.Errorf("%s %s: %d runs on %s", zone, s, n, day.Format(time.DateOnly))
		}
	}
}

// dayMeant is the day that a run belongs to. It is the day on which it runs,
// except in places whose clock jumps from 23:00 to 0:00, such as Nuuk.
func dayMeant(at time.Time, minute int) string {
	_, offset := at.Add(-1).Zone()
	c := at.UTC().Add(time.Duration(offset) * time.Second) // what the clock would show had it not jumped
	if c.Hour()*60+c.Minute() > minute {
		c = c.AddDate(0, 0, 1)
	}
	return c.Format(time.DateOnly)
}

func TestAllHoursKeepsElapsedTime(t *testing.T) {
	for _, name := range restlessZones() {
		zone := zoneOf(t, name)
		s := scheduleOf(t, "*/30 * * * *", zone)
		at := s.Next(time.Date(2026, 3, 1, 0, 0, 0, 0, zone))
		for at.Month() < time.May { // most zones change in March or April, forth or back
			next := s.Next(at)
			if d := next.Sub(at); d != 30*time.Minute {
				t.Fatalf("%s: %v from %v to %v", name, d, at, next)
			}
			at = next
		}
	}
}

// Whatever instant Next is asked from, the answer is the same run.
func TestNextIsTheSameFromEverywhereBefore(t *testing.T) {
	for _, name := range restlessZones() {
		s := scheduleOf(t, "30 0,1,2,3 * * *", zoneOf(t, name))
		at := s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		for at.Year() == 2026 {
			next := s.Next(at)
			for step := at; step.Before(next); step = step.Add(109*time.Minute + 7*time.Second) {
				if got := s.Next(step); !got.Equal(next) {
					t.Fatalf("%s: from %v %v, from %v %v", name, at, next, step, got)
				}
			}
			if got := s.Next(next.Add(-1)); !got.Equal(next) {
				t.Fatalf("%s: a nanosecond before %v comes %v", name, next, got)
			}
			at = next
		}
	}
}

func TestNextOf(t *testing.T) {
	after := time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)
	if got := NextOf(nil, after); !got.IsZero() {
		t.Errorf("of none: %v", got)
	}
	all := []*Schedule{scheduleOf(t, "0 3 * * *", time.UTC), scheduleOf(t, "TZ=Asia/Tokyo 0 23 * * *", time.UTC)}
	if got, want := NextOf(all, after), after.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("of two: %v, want %v", got, want)
	}
}

func TestScheduleWarnsOfEither(t *testing.T) {
	for spec, want := range map[string]bool{
		"0 0 13 * fri": true, "0 0 */2 * 1": true, "0 0 13 * *": false, "0 0 * * 5": false, "0 0 ? * 5": false, "@monthly": false,
	} {
		if got := scheduleOf(t, spec, time.UTC).Warn() != ""; got != want {
			t.Errorf("%q warns: %v, want %v", spec, got, want)
		}
	}
}

func TestScheduleWithoutZoneIsLocal(t *testing.T) {
	if s := scheduleOf(t, "@daily", nil); s.Zone() != time.Local {
		t.Errorf("zone %v", s.Zone())
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{
		"TZ=", "CRON_TZ=", "TZ=UTC", "TZ=0", "CRON_TZ=Europe/Paris", "TZ=UTC\t* * * * *", "TZ= * * * * *", "TZ=UTC * * * * *",
		",,, * * * *", ", * * * *", "0 0 31 2 *", "0 0 30 2 *", "0 0 29 2 *", "*/70 * * * *", "*-5 * * * *", "+5 * * * *",
		"0-59/4294967296 * * * *", "@every 0s", "@every -5m", "@every 500ms", "@every 1.5s", "@every 1h", "@every", "@every ",
		"0 0 * * 7", "0 0 * * 5-1", "0 0 L * *", "0 0 15W * *", "0 0 * * 1#2", "H * * * *", "@reboot", "@DAILY", "@every 1d",
		"0 24 * * *", "CRON_TZ=X @every 1h", "30 2 * * *", "15 2 * * *", "0 0 */2 * 1", "* * * * * *", "* * * * * * *",
		"TZ=Africa/Cairo @daily", "TZ=America/Sao_Paulo 0 0 * * *", "TZ=Australia/Lord_Howe 15 2 * * *", "? ? ? ? ?", "7-7 7-7 7-7 7-7 7-7",
		"\x00", "\xff\xfe * * * *", "1,2,3/2,4-1 * * * *",
	} {
		f.Add(seed, int64(1776256496))
	}
	zone := zoneOf(f, "America/Santiago")
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		s, err := ParseSchedule(spec, zone)
		if err != nil {
			if s != nil {
				t.Fatal("a schedule and an error")
			}
			return
		}
		at := time.Unix(unix%(1<<33), 0)
		for range 5 {
			next := s.Next(at)
			if !next.After(at) {
				t.Fatalf("%q: after %v comes %v", spec, at, next)
			}
			at = next
		}
		again, err := ParseSchedule(s.String(), s.Zone())
		if err != nil || !again.Next(at).Equal(s.Next(at)) {
			t.Fatalf("%q does not read back: %v", s.String(), err)
		}
	})
}
