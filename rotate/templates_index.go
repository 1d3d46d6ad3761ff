package rotate

// slotIndex finds a template's slot by its hash: an open table with linear
// probing, a quarter full at most. A map would allocate as slots change hands.
type slotIndex struct {
	entries [4 * templateSlots]uint16 // slot+1; 0: free
}

const indexMask = 4*templateSlots - 1

func (x *slotIndex) find(hash uint64, slots *[templateSlots]slot) (at int, found bool) {
	for i := hash & indexMask; x.entries[i] != 0; i = (i + 1) & indexMask {
		if at := int(x.entries[i]) - 1; slots[at].hash == hash {
			return at, true
		}
	}
	return 0, false
}

// put enters a slot whose hash is not in the table.
func (x *slotIndex) put(hash uint64, at int) {
	i := hash & indexMask
	for x.entries[i] != 0 {
		i = (i + 1) & indexMask
	}
	x.entries[i] = uint16(at + 1)
}

// remove takes a slot out and moves those behind it up, so that no search ends
// at the hole.
func (x *slotIndex) remove(at int, slots *[templateSlots]slot) {
	hole := slots[at].hash & indexMask
	for int(x.entries[hole])-1 != at {
		hole = (hole + 1) & indexMask
	}
	for i := (hole + 1) & indexMask; x.entries[i] != 0; i = (i + 1) & indexMask {
		home := slots[x.entries[i]-1].hash & indexMask
		if (i-home)&indexMask >= (i-hole)&indexMask {
			x.entries[hole] = x.entries[i]
			hole = i
		}
	}
	x.entries[hole] = 0
}
