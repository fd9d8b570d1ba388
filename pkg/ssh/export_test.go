package ssh

import "encoding/pem"

func pemOf(block *pem.Block) []byte { return pem.EncodeToMemory(block) }
