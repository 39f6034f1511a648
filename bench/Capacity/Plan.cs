using static CometBench.Capacity.Assumptions;

namespace CometBench.Capacity;

/// <summary>What an audience needs: cells, each of servers that share a broker, as few cells as the broker allows.</summary>
internal sealed record Plan(double Audience, Workload Work, int Cells)
{
    private const double Bytes = 100; // of a message

    /// <summary>Servers of a cell that its browsers need.</summary>
    private int Needed { get; } = (int)Math.Ceiling(Audience / Cells / MostStreams(Work));

    /// <summary>
    /// Servers of a cell for when some are gone. One by itself has none: nothing is shared, so there is no broker either.
    /// </summary>
    internal int Spare => Needed == 1 && Cells == 1 ? 0 : Math.Max(1, (int)Math.Ceiling(Needed * SpareServers / 100));

    internal int PerCell => Needed + Spare;

    internal int Servers => Cells * PerCell;

    internal bool HasBroker => Servers > 1;

    /// <summary>Messages a second in a cell.</summary>
    internal double Rate => Work.Messages(Audience / Cells);

    /// <summary>Messages a second that the broker of a cell gives to all its servers.</summary>
    internal double Given => HasBroker ? Rate * PerCell : 0;

    internal double Streams => Audience / Servers;

    /// <summary>Servers of a cell that are lost at once.</summary>
    internal int Lost => Math.Max(1, (int)(PerCell * LostAtOnce / 100));

    internal static Plan For(double audience, Workload work)
    {
        var plan = new Plan(audience, work, 1);
        while (plan.BrokerLoad > MostOfBroker / 100)
        {
            plan = new Plan(audience, work, plan.Cells + 1);
        }
        return plan;
    }

    /// <summary>What is nearest to the load it may have, in percent, when all servers are there.</summary>
    internal (string What, double Load, double Most) SaturatesFirst => new (string What, double Load, double Most)[]
    {
        ("the servers' cores", 100 * ServerLoad, Most),
        ("the servers' memory", 100 * Streams * (StreamBytes + SocketBytes) / (ServerMemory * 1e9), Most),
        ("the servers' network", 100 * Streams * (Work.Broadcast + Work.Own) * (Bytes + Framing) * 8 / (ServerNetwork * 1e9), Most),
        ("the broker", 100 * BrokerLoad, MostOfBroker),
    }.MaxBy(part => part.Load / part.Most);

    private double BrokerLoad => HasBroker ? Rate * (BrokerStore + (BrokerGive * PerCell)) / 1e6 / BrokerCores : 0;

    private double ServerLoad =>
        ((Streams * (((Work.Broadcast + Work.Own) * Delivery) + (Open / Stay))) + (Rate * Read) + (Rate / PerCell * Publish)) /
            1e6 /
            ServerCores;

    // As many as were chosen, or fewer where writing to them, their memory or their network is more than a server has.
    private static double MostStreams(Workload work) => new[]
    {
        StreamsPerServer,
        Most / 100 * ServerCores * 1e6 / ((work.Broadcast + work.Own) * Delivery),
        Most / 100 * ServerMemory * 1e9 / (StreamBytes + SocketBytes),
        Most / 100 * ServerNetwork * 1e9 / 8 / ((work.Broadcast + work.Own) * (Bytes + Framing)),
    }.Min();
}
