package pillars

import "github.com/holiman/uint256"

// The profiles that come with the code. Each call returns a value of its own.

// oneStake is the PoS difficulty at which one least stake of 1,000 ETP wins every 252 seconds: a
// stake wins in a second with the chance of its satoshis in the difficulty. The running network's
// 10^8 belongs to another weight of stakes.
const oneStake = 252 * 1000 * uint64(ETP)

// MainnetLike is the profile with the figures of the paper, corrected where they do not hold.
func MainnetLike() Params {
	return Params{
		Name: "mainnet-like", Magic: 0x4c505241, Extended: true,
		Address: AddressParams{PubKeyHash: 0x32, ScriptHash: 0x05, Bech32: "etp"},
		Ethash:  EthashParams{Epoch: 30000, CacheInit: 1 << 24, CacheGrowth: 1 << 17, DatasetInit: 1 << 30, DatasetGrowth: 1 << 23},
		PoW:     RetargetParams{Minimum: *uint256.NewInt(914_572_800), Up: 2, Down: 99, DivisorMilli: 11_353, Scale: 2048},
		PoS:     RetargetParams{Minimum: *uint256.NewInt(oneStake), Up: 18, Down: 99, DivisorMilli: 13_625, Scale: 2048},
		Runs:    RunParams{PoW: 29, PoS: 24, Grace: 10_000, ValveSeconds: 2520, ValveFactor: 4},
		Weight:  WeightParams{PoSNum: 1, PoSDen: 1},
		Time:    TimeParams{FutureSeconds: 38, StakeSeconds: 2, MedianBlocks: 11},
		Stake: StakeParams{
			Locked: 1000 * ETP, LockBlocks: 24_000, LockTail: 1000, LockAge: 120, Minimum: 1000 * ETP,
			MaturityMin: 250, MaturityScale: 1000, MaturityBase: *uint256.NewInt(oneStake), MaxInputs: 10, MaxPieces: 10,
		},
		Subsidy:  SubsidyParams{PoW: 3 * ETP, PoS: 30_000_000, Num: 95, Den: 100, Interval: 500_000, Maturity: 1000},
		Limits:   LimitParams{BlockSize: 1_000_000, TransactionSize: 1_000_000, LegacySize: 100_000, SigOps: 20_000},
		Fees:     FeeParams{Transaction: 10_000, Asset: 10 * ETP, Avatar: ETP, MinerPart: 20},
		Finality: 120,
	}
}

// Testnet is MainnetLike with difficulties and waiting times for people who try things out.
func Testnet() Params {
	p := MainnetLike()
	p.Name, p.Magic = "testnet", 0x4c505474
	p.Address = AddressParams{PubKeyHash: 0x7f, ScriptHash: 0x05, Bech32: "tetp"}
	p.PoW.Minimum, p.PoS.Minimum = *uint256.NewInt(300_000), *uint256.NewInt(oneStake / 100)
	p.Stake.MaturityBase = *uint256.NewInt(oneStake / 100)
	p.Subsidy.Interval, p.Subsidy.Maturity = 50_000, 10
	p.Limits.TestVersion = true
	return p
}

// Devnet is a network on one desk: seconds instead of minutes, a tiny Ethash, coins that ripen at
// once. Its addresses are the test network's, because wallets of the running network know two only.
func Devnet() Params {
	p := Testnet()
	p.Name, p.Magic = "devnet", 0x4c506464
	p.Address.Bech32 = "detp"
	p.Ethash = EthashParams{Epoch: 30000, CacheInit: 1 << 14, CacheGrowth: 1 << 10, DatasetInit: 1 << 16, DatasetGrowth: 1 << 12}
	p.PoW.Minimum, p.PoW.DivisorMilli = *uint256.NewInt(1 << 16), 811
	p.PoS.Minimum, p.PoS.DivisorMilli = *uint256.NewInt(20 * 1000 * uint64(ETP)), 1081
	p.Runs.Grace, p.Runs.ValveSeconds = 100, 60
	p.Stake.LockBlocks, p.Stake.LockTail, p.Stake.LockAge = 240, 10, 2
	p.Stake.MaturityMin, p.Stake.MaturityScale, p.Stake.MaturityBase = 3, 10, p.PoS.Minimum
	p.Subsidy.Maturity = 5
	return p
}

// genesisTotal is what a genesis of the running network pays out.
const genesisTotal = 50_000_000 * ETP

// classic is the running network as far as its published blocks reach: headers of 148 bytes, its
// signatures, its addresses. It serves to prove the codecs, not to join that network.
func classic(name string, magic uint32, version byte) Params {
	p := MainnetLike()
	p.Name, p.Magic, p.Extended = name, magic, false
	p.Address = AddressParams{PubKeyHash: version, ScriptHash: 0x05, Bech32: "cetp"}
	p.PoW.DivisorMilli, p.PoS.DivisorMilli = 10_000, 10_000
	p.Time.StakeSeconds = p.Time.FutureSeconds
	p.Runs = RunParams{PoW: 60, PoS: 24, Grace: 1_934_001}
	p.Finality, p.Limits.LegacySize = 0, p.Limits.TransactionSize
	return p
}

// Classic is the profile of the running main network.
func Classic() Params {
	p := classic("classic", 0x4d53564d, 0x32)
	p.Fees.Community = "MAwLwVGwJyFsTBfNj2j5nCUrQXGVRvHzPh"
	p.Genesis = GenesisParams{
		Timestamp: 1486796400, Text: "6e64c2098b84b04a0d9f61a60d5bc8f5f80f37e19f3ad9c39bfe419db422b33c",
		Outputs: []GenesisOutput{{"MGqHvbaH9wzdr6oUDFz4S1HptjoKQcjRve", genesisTotal}},
	}
	return p
}

// ClassicTestnet is the profile of the running test network.
func ClassicTestnet() Params {
	p := classic("classic-testnet", 0x73766d74, 0x7f)
	p.PoW.Minimum, p.PoS.Minimum = *uint256.NewInt(300_000), *uint256.NewInt(1_000_000)
	p.Subsidy.Interval, p.Subsidy.Maturity = 50_000, 1
	p.Limits.TestVersion = true
	p.Fees.Community = "tBELxsiiaMVGQcY2Apf7hmzAaipD4YWTTj"
	p.Genesis = GenesisParams{
		Timestamp: 1479881397, Text: "2017.01.18 MVS start running testnet.",
		Outputs: []GenesisOutput{{"tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR", genesisTotal}},
	}
	return p
}

// ClassicPrivate is the profile of the running network's builds for private chains.
func ClassicPrivate() Params {
	p := Classic()
	p.Name, p.Magic = "classic-private", 0x76697270
	p.Subsidy.Maturity = 10
	p.Genesis.Outputs = []GenesisOutput{{"MCCu9WmXuTooSEoMHX1aN82b7syaJD65XM", genesisTotal}}
	return p
}

// Profiles returns all profiles that come with the code.
func Profiles() []Params {
	return []Params{MainnetLike(), Testnet(), Devnet(), Classic(), ClassicTestnet(), ClassicPrivate()}
}

// ProfileByName finds one of Profiles.
func ProfileByName(name string) (Params, bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return Params{}, false
}
