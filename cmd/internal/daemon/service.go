package daemon

import (
	"fmt"
	"path/filepath"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// A Service is a node that the system starts.
type Service struct {
	Title      string // for people
	Program    string
	Credential bool // the passphrase comes from the file beside the home: it stands in no argument, no variable and no file that the service's user keeps
	StopSecs   int  // how long the node may take to stop
}

// AddPrint gives init the flag that prints a service file instead.
func AddPrint(cmd *cobra.Command) {
	cmd.Flags().String("print", "", "print a service file instead: systemd")
}

// Print writes the service file for a home where AddPrint's flag asks for it.
func (s *Service) Print(cmd *cobra.Command, home string) (asked bool, err error) {
	switch form, _ := cmd.Flags().GetString("print"); form {
	case "":
		return false, nil
	case "systemd":
	default:
		return true, cli.Usage(cmd, "--print %s: only systemd is known", form)
	}
	dir, err := filepath.Abs(home)
	if err != nil {
		return true, err
	}
	credential := ""
	if s.Credential {
		credential = "LoadCredential=passphrase:" + dir + ".passphrase\n"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), unit, s.Title, s.Program, dir, credential, s.StopSecs)
	return true, err
}

const unit = `[Unit]
Description=%[1]s
Documentation=https://github.com/asterism-network/asterism
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/local/bin/%[2]s run --home %[3]s
%[4]sUser=asterism
Group=asterism
Restart=on-failure
RestartSec=2
# Invariant broken, configuration refused, no permission: a person must look.
RestartPreventExitStatus=70 77 78
TimeoutStopSec=%[5]d
LimitNOFILE=65536

ReadWritePaths=%[3]s
UMask=0077
CapabilityBoundingSet=
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
`
