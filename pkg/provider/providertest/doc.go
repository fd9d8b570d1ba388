// Package providertest holds what tests of and with providers need: Run, the
// suite that every provider passes, and Memory, a provider in memory that passes
// it, too. It never makes a machine outside the provider it is given.
package providertest
