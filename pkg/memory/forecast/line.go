// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"fmt"
	"math"
	"time"
)

// line returns what is written of the record.
func (r *Record) line() checkpointLine {
	line := checkpointLine{
		Namespace: r.workload.Namespace, Kind: r.workload.Kind, Owner: r.workload.Owner, Template: r.workload.Template,
		Seen: r.seen.Unix(), WarmSeconds: int64(min(r.warm, maxWarm) / time.Second), LevelKiB: roundKiB(r.level), RequestKiB: roundKiB(float64(r.request)),
		DaysBefore: make([]int32, Hours), PeaksKiB: make([]int64, Hours),
	}
	if r.endings.count > 0 {
		line.Ended, line.Ends = r.endings.last.Unix(), r.endings.count
	}
	if r.hour.expected > 0 {
		line.Hour, line.HourKiB = r.hour.number, roundKiB(float64(r.hour.expected))
	}
	last := int32(1)
	for _, day := range r.hourly.day {
		last = max(last, day)
	}
	line.LastDay = last - 1
	for hour, day := range r.hourly.day {
		line.DaysBefore[hour] = -1
		if day > 0 {
			line.DaysBefore[hour], line.PeaksKiB[hour] = last-day, roundKiB(float64(r.hourly.most[hour]))
		}
	}
	return line
}

// roundKiB rounds bytes to three digits of KiB, to the nearest: what is written and read again and again stays the same.
func roundKiB(bytes float64) int64 {
	kib := min(max(bytes, 0), largestFigure) / (1 << 10)
	unit := 1.0
	for kib >= 1000*unit {
		unit *= 10
	}
	return int64(math.Round(kib/unit) * unit)
}

// largestFigure is one that rounds to no more than maxKiB.
const largestFigure = float64(1 << 62)

// record returns what a line says, or what is wrong with it.
func (l *checkpointLine) record() (Record, error) {
	record := Record{workload: Workload{Namespace: l.Namespace, Kind: l.Kind, Owner: l.Owner, Template: l.Template}}
	if err := l.check(); err != nil {
		return record, err
	}
	if err := l.hours(&record.hourly); err != nil {
		return record, err
	}
	record.request = l.RequestKiB << 10
	record.level, record.warm, record.seen = float64(l.LevelKiB)*(1<<10), time.Duration(l.WarmSeconds)*time.Second, time.Unix(l.Seen, 0)
	if l.Ends > 0 {
		record.endings = endings{last: time.Unix(l.Ended, 0), count: l.Ends}
	}
	record.hour = ongoing{number: l.Hour, expected: float32(l.HourKiB) * (1 << 10)}
	return record, nil
}

// check says what is wrong with the figures but those of hours.
func (l *checkpointLine) check() error {
	for _, figure := range []struct {
		name       string
		value, max int64
	}{
		{"warmSeconds", l.WarmSeconds, int64(maxWarm / time.Second)},
		{"levelKiB", l.LevelKiB, maxKiB},
		{"requestKiB", l.RequestKiB, maxKiB},
		{"ends", int64(l.Ends), maxDoublings + 1},
		{"hour", l.Hour, math.MaxInt32},
		{"hourKiB", l.HourKiB, maxKiB},
	} {
		if figure.value < 0 || figure.value > figure.max {
			return fmt.Errorf("%s is %d, want 0 to %d", figure.name, figure.value, figure.max)
		}
	}
	if (l.Ends == 0) != (l.Ended == 0) {
		return fmt.Errorf("ends is %d and ended %d, want both or neither", l.Ends, l.Ended)
	}
	if l.LastDay < 0 || l.LastDay == math.MaxInt32 {
		return fmt.Errorf("lastDay is %d, want the number of days since 1970", l.LastDay)
	}
	if len(l.DaysBefore) != Hours || len(l.PeaksKiB) != Hours {
		return fmt.Errorf("daysBefore has %d figures and peaksKiB %d, want %d each", len(l.DaysBefore), len(l.PeaksKiB), Hours)
	}
	return nil
}

// hours reads what was held at most in each hour, or says what is wrong with it.
func (l *checkpointLine) hours(hourly *hourly) error {
	for hour, before := range l.DaysBefore {
		peak := l.PeaksKiB[hour]
		if before < -1 || before > l.LastDay || peak < 0 || peak > maxKiB || (before < 0 && peak > 0) {
			return fmt.Errorf("hour %d: daysBefore is %d and peaksKiB %d, want -1 and 0, or 0 to %d and 0 to %d", hour, before, peak, l.LastDay, int64(maxKiB))
		}
		if before >= 0 {
			hourly.day[hour], hourly.most[hour] = l.LastDay-before+1, float32(peak)*(1<<10)
		}
	}
	return nil
}
