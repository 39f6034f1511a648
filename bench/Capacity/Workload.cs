namespace CometBench.Capacity;

/// <summary>What browsers get.</summary>
/// <param name="Name">For people.</param>
/// <param name="Broadcast">Messages a second that every browser gets, from one feed.</param>
/// <param name="Own">Messages a second for each browser alone, from its own feed of a family.</param>
/// <param name="Bytes">Of one message.</param>
internal sealed record Workload(string Name, double Broadcast, double Own, double Bytes)
{
    internal static readonly Workload[] All =
    [
        new("ticker: 1 message a second to all", 1, 0, 100),
        new("scores: 1 message in 10 s to all", 0.1, 0, 300),
        new("notifications: to each his own, one in 5 minutes", 0, 1.0 / 300, 300),
    ];
}
