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
		Time:    TimeParams{FutureSeconds: 38, MedianBlocks: 11},
		Stake: StakeParams{
			Locked: 1000 * ETP, LockBlocks: 24_000, LockTail: 1000, LockAge: 120, Minimum: 1000 * ETP,
			MaturityMin: 250, MaturityScale: 1000, MaturityBase: *uint256.NewInt(oneStake), MaxInputs: 10, MaxPieces: 10,
		},
		Subsidy:  SubsidyParams{PoW: 3 * ETP, PoS: 30_000_000, Num: 95, Den: 100, Interval: 500_000, Maturity: 1000},
		Limits:   LimitParams{BlockSize: 1_000_000, TransactionSize: 1_000_000, SigOps: 20_000},
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
