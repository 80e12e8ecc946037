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
		"didsendasset", "didsendassetfrom", "getaccountasset", "burn", "issuecert", "transfercert", "registermit",
		"transfermit", "registerdid", "didchangeaddress", "startmining", "stopmining", "stealth-secret", "stealth-shared",
	} {
		all[name] = true
	}
	return all
}()

// notOffered are commands of the running network for what this one does not have, and why.
var notOffered = map[string]string{
	"registerwitness": "delegates are a later phase of the chain",
	"deposit":         "interest on deposits ended with version 0.8.5 of the running network; lock ETP with aster pillars wallet lock",
	"swaptoken":       "the bridge to Ethereum was one custodian's, and there is none here",
	"swapmit":         "no program of the running network ever registered it",
	"getassetview":    "it is switched off in the running network",
	"settings":        "the settings of a daemon are in its file: pillarsd config",
	"stealth-decode":  stealthReason, "stealth-encode": stealthReason, "stealth-public": stealthReason,
	"eth_submitHashrate": "this node estimates the hash rate from blocks: getmininginfo",
}

const stealthReason = "stealth addresses are not in this network's wallets: every account derives fresh addresses instead, and who needs payments that nobody can link uses the Kernel"

// elsewhere answers commands of the running network that this daemon does not have, so that who knows
// them learns where they went; nil for words that it does not know either. [PIL-RPC-2]
func elsewhere(name string) *rpcserver.Fault {
	switch {
	case name == "startmining" || name == "stopmining":
		return rpcserver.Faultf("wallet_command", "%s is a setting of the daemon here: pillarsd run --mine ADDRESS or --stake", name)
	case walletCommands[name]:
		return rpcserver.Faultf("wallet_command", "%s needs keys, which do not live in this daemon, or passwords, which are sent in no call: "+
			"use aster pillars wallet, and sendrawtx for what it signed", name)
	case notOffered[name] != "":
		return rpcserver.Faultf("not_offered", "%s: %s", name, notOffered[name])
	case name == "popblock" || name == "shutdown":
		return rpcserver.Faultf("forbidden", "%s is not for callers: the chain changes by its rules only, and the process is its operator's", name)
	}
	return nil
}
