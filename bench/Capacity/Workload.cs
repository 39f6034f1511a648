namespace CometBench.Capacity;

/// <summary>What browsers get.</summary>
/// <param name="Name">For people.</param>
/// <param name="Broadcast">Messages a second that every browser gets, from one feed.</param>
/// <param name="Own">Messages a second for each browser alone, from its own feed of a family.</param>
internal sealed record Workload(string Name, double Broadcast, double Own)
{
    internal static readonly Workload Everybody = new("all get one message a second", 1, 0);

    internal static readonly Workload EachHisOwn = new("to each his own, one message in 5 minutes", 0, 1.0 / 300);

    /// <summary>Messages a second that so many browsers cause.</summary>
    internal double Messages(double browsers) => Broadcast + (Own * browsers);
}
