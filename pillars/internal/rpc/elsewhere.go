package rpc

import "github.com/asterism-network/asterism/internal/rpcserver"

// walletCommands are commands of the running network that need keys or passwords.
var walletCommands = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range []string{
		"getnewaccount", "getaccount", "deleteaccount", "importaccount", "changepasswd", "getnewaddress", "listaddresses",
		"dumpkeyfile", "importkeyfile", "importaddress", "setminingaccount", "createrawtx", "signrawtx",
		"getpublickey", "createmultisigtx", "getnewmultisig", "listmultisig", "deletemultisig", "signmultisigtx",
		"send", "sendmore", "sendfrom", "didsend", "didsendmore", "didsendfrom", "lock", "getbalance",
		"createasset", "deletelocalasset", "issue", "secondaryissue", "additionalissue", "sendasset", "sendmoreasset", "sendassetfrom",
		"didsendasset", "didsendassetfrom", "getaccountasset", "burn", "swaptoken", "issuecert", "transfercert", "registermit",
		"transfermit", "registerdid", "didchangeaddress", "registerwitness", "deposit", "startmining", "stopmining",
	} {
		all[name] = true
	}
	return all
}()

// elsewhere answers commands of the running network that this daemon does not have, so that who knows
// them learns where they went; nil for words that it does not know either. [PIL-RPC-2]
func elsewhere(name string) *rpcserver.Fault {
	switch {
	case name == "startmining" || name == "stopmining":
		return rpcserver.Faultf("wallet_command", "%s is a setting of the daemon here: pillarsd run --mine ADDRESS or --stake", name)
	case walletCommands[name]:
		return rpcserver.Faultf("wallet_command", "%s needs keys, which do not live in this daemon, or passwords, which are sent in no call: "+
			"use aster pillars wallet, and sendrawtx for what it signed", name)
	case name == "popblock" || name == "shutdown":
		return rpcserver.Faultf("forbidden", "%s is not for callers: the chain changes by its rules only, and the process is its operator's", name)
	}
	return nil
}
