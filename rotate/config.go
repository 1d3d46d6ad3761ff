package rotate

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// Config says where logs go, when they turn and what is kept of them.
type Config struct {
	Dir         string          `yaml:"dir" doc:"Folder of the logs and their archives; empty: the folder logs below the state folder."`
	MaxSize     config.Size     `yaml:"max_size" default:"100MiB" doc:"A log turns before it exceeds this size; 0 turns none by size." min:"0"`
	Schedule    []string        `yaml:"schedule" doc:"Cron expressions (five fields, or six with seconds first); a log that is not empty turns at each."`
	TimeZone    string          `yaml:"time_zone" default:"Local" doc:"Zone of the schedules, as in Europe/Berlin; archive names are in UTC whatever it is."`
	Keep        Keep            `yaml:"keep" doc:"Which archives stay; the newest two always do."`
	Compress    string          `yaml:"compress" default:"gzip" enum:"none,gzip" doc:"How archives are compressed once they have turned."`
	FullDisk    string          `yaml:"full_disk" default:"spill" enum:"spill,drop,block" doc:"While a log cannot be written: keep lines in memory and then drop the oldest (spill), drop at once (drop), or stall the writer (block)."`
	SpillMemory config.Size     `yaml:"spill_memory" default:"64MiB" min:"1MiB" max:"4GiB" doc:"Most memory that one log's lines may wait in; taken only while they do."`
	Emergency   EmergencyConfig `yaml:"emergency" doc:"When growth or lack of space is an emergency, and what is done."`
	Logs        []LogConfig     `yaml:"logs" doc:"What differs for single logs, by name."`
}

// Keep is the retention of one log's archives. A rule that is 0 is off.
type Keep struct {
	Count int             `yaml:"count" default:"30" min:"0" max:"100000" doc:"Archives kept; 0: any number."`
	Age   config.Duration `yaml:"age" default:"30d" min:"0s" doc:"Archives older than this are removed; 0s: any age."`
	Total config.Size     `yaml:"total" default:"2GiB" min:"0" doc:"Bytes of all archives of the log together; 0: any."`
}

// LogConfig is what differs for one log. Fields that are absent are those of
// the room; a block that is present (keep, emergency) replaces the room's whole
// block.
type LogConfig struct {
	Name        string           `yaml:"name" doc:"Which log: stdout, stderr, access or reeve."`
	Class       string           `yaml:"class" enum:"error,access" doc:"What growth means: error logs should be quiet, access logs follow the traffic; absent: access for the logs access and stdout, where proxies write their access log, else error."`
	File        string           `yaml:"file" doc:"Name of the live file in dir; absent: the log's name with .log."`
	MaxSize     *config.Size     `yaml:"max_size" min:"0" doc:"As rotate.max_size, for this log."`
	Schedule    []string         `yaml:"schedule" doc:"As rotate.schedule, for this log."`
	Keep        *Keep            `yaml:"keep" doc:"As rotate.keep, for this log."`
	Compress    string           `yaml:"compress" enum:"none,gzip" doc:"As rotate.compress, for this log."`
	FullDisk    string           `yaml:"full_disk" enum:"spill,drop,block" doc:"As rotate.full_disk, for this log."`
	SpillMemory *config.Size     `yaml:"spill_memory" min:"1MiB" max:"4GiB" doc:"As rotate.spill_memory, for this log."`
	Emergency   *EmergencyConfig `yaml:"emergency" doc:"As rotate.emergency, for this log."`
}

// LineCap is the longest line kept whole, in bytes, its newline included. A
// longer one is cut and the cut is marked, so that one writer without newlines
// can neither fill the memory nor stop a rotation.
const LineCap = 1 << 20

// minMaxSize keeps a typing error (100 for 100MiB) from making a file a line.
const minMaxSize = 4 << 10

// The words of FullDisk and Compress.
const (
	fullSpill = "spill"
	fullDrop  = "drop"
	fullBlock = "block"

	compressNone = "none"
	compressGzip = "gzip"
)

// settings is the configuration of one log, overrides applied.
type settings struct {
	name      string
	class     Class
	file      string
	maxSize   int64
	schedules []*Schedule
	keep      Keep
	compress  string
	fullDisk  string
	spill     int64
	emergency EmergencyConfig
}

// Validate reports every problem of the room's configuration, under keys
// relative to it. It reads no file system.
func (c Config) Validate() error {
	var p config.Problems
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		p.Add("time_zone", "%q is not a time zone known here", c.TimeZone)
		zone = time.UTC
	}
	checkSchedules(&p, "schedule", c.Schedule, zone)
	checkSize(&p, "max_size", c.MaxSize)
	p.Under("emergency", c.Emergency.Validate())
	names, files := map[string]bool{}, map[string]string{}
	for i, l := range c.Logs {
		key := config.Index("logs", i)
		p.Under(key, l.validate(zone))
		if names[l.Name] {
			p.Add(config.Join(key, "name"), "log %q is named twice", l.Name)
		}
		names[l.Name] = true
		file := l.fileName()
		if other, ok := files[stem(file)]; ok && other != l.Name {
			p.Add(config.Join(key, "file"), "%q would share its archives' names with the log %q", file, other)
		}
		files[stem(file)] = l.Name
	}
	return p.Err()
}

func (l LogConfig) validate(zone *time.Location) error {
	var p config.Problems
	if !validName(l.Name) {
		p.Add("name", "%q is not a log name: letters, digits, and . _ - after the first", l.Name)
	}
	if l.File != "" && (!validName(l.File) || !strings.HasSuffix(l.File, liveSuffix)) {
		p.Add("file", "%q must be a plain file name that ends in %s", l.File, liveSuffix)
	}
	if l.MaxSize != nil {
		checkSize(&p, "max_size", *l.MaxSize)
	}
	checkSchedules(&p, "schedule", l.Schedule, zone)
	if l.Emergency != nil {
		p.Under("emergency", l.Emergency.Validate())
	}
	return p.Err()
}

func checkSize(p *config.Problems, key string, size config.Size) {
	if size > 0 && size < minMaxSize {
		p.Add(key, "%s is below %s; write 0 for no limit, or a size with its unit", size, config.Size(minMaxSize))
	}
}

func checkSchedules(p *config.Problems, key string, specs []string, zone *time.Location) {
	for i, spec := range specs {
		if _, err := ParseSchedule(spec, zone); err != nil {
			p.Under(config.Index(key, i), err)
		}
	}
}

func (l LogConfig) fileName() string {
	if l.File != "" {
		return l.File
	}
	return l.Name + liveSuffix
}

func classOf(l LogConfig) Class {
	switch {
	case l.Class != "":
		return Class(l.Class)
	case l.Name == "access", l.Name == "stdout":
		return ClassAccess
	default:
		return ClassError
	}
}

// of returns the settings of a log by name. The configuration is valid.
func (c Config) of(name string) (settings, error) {
	var l LogConfig
	for _, candidate := range c.Logs {
		if candidate.Name == name {
			l = candidate
		}
	}
	l.Name = name
	s := settings{
		name: name, class: classOf(l), file: filepath.Join(c.Dir, l.fileName()),
		maxSize: c.MaxSize.Bytes(), keep: c.Keep, compress: c.Compress, fullDisk: c.FullDisk,
		spill: c.SpillMemory.Bytes(), emergency: c.Emergency,
	}
	if l.MaxSize != nil {
		s.maxSize = l.MaxSize.Bytes()
	}
	if l.Keep != nil {
		s.keep = *l.Keep
	}
	if l.Compress != "" {
		s.compress = l.Compress
	}
	if l.FullDisk != "" {
		s.fullDisk = l.FullDisk
	}
	if l.SpillMemory != nil {
		s.spill = l.SpillMemory.Bytes()
	}
	if l.Emergency != nil {
		s.emergency = *l.Emergency
	}
	specs := c.Schedule
	if l.Schedule != nil {
		specs = l.Schedule
	}
	var err error
	s.schedules, err = parseSchedules(specs, c.TimeZone)
	return s, err
}

func parseSchedules(specs []string, zoneName string) ([]*Schedule, error) {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return nil, err
	}
	var out []*Schedule
	for _, spec := range specs {
		s, err := ParseSchedule(spec, zone)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
