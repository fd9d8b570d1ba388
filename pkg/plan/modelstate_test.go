package plan_test

// managersStay lets no manager have moved: the last one cannot leave and join anew,
// and what a run that was cut off leaves may be that one.
func (m *model) managersStay() {
	for _, x := range m.machines {
		x.moved = x.moved && !m.manages(x)
	}
}
