namespace CometBench.Capacity;

/// <summary>What an audience needs: cells of servers that share a broker, as small as keep the goal while one of their servers is gone.</summary>
internal sealed record Plan(double Audience, Workload Work, int Cells, int ServersPerCell, double P50, double P99, double Cpu, string Saturated)
{
    private const double Quiet = 60;

    internal int Servers => Cells * ServersPerCell;

    /// <summary>The smallest number of servers with which everything holds.</summary>
    internal static Plan For(double audience, Workload work, Assumptions costs)
    {
        for (var cells = 1; ; cells *= 2)
        {
            var (low, high) = (0, 1);
            Plan? found = null;
            // Each cell serves its part of the audience; more servers in one cell help until the messages themselves are too many.
            while (high <= 2000 && (found = Try(audience, work, costs, cells, high)).Saturated is not ("" or "broker" or "reading"))
            {
                (low, high) = (high, high * 2);
            }
            if (found is null || high > 2000 || found.Saturated is "broker" or "reading")
            {
                continue;
            }
            while (high - low > 1)
            {
                var middle = (low + high) / 2;
                var plan = Try(audience, work, costs, cells, middle);
                (low, high, found) = plan.Saturated.Length == 0 ? (low, middle, plan) : (middle, high, found);
            }
            var next = low > 0 ? Try(audience, work, costs, cells, low).Saturated : "a second server, for when one is gone";
            return found with { Saturated = next };
        }
    }

    /// <summary>What happens with this many servers; what is saturated, or nothing.</summary>
    internal static Plan Try(double audience, Workload work, Assumptions costs, int cells, int servers)
    {
        var members = audience / cells;
        var streams = members / servers;
        var rate = work.Broadcast + (work.Own * members);
        var plan = new Plan(audience, work, cells, servers, 0, 0, 0, "");
        var afterLoss = servers > 1 ? streams * servers / (servers - Lost(servers)) : streams;
        if (afterLoss > costs.MaxStreams)
        {
            return plan with { Saturated = "streams in one server" };
        }
        if (afterLoss * costs.StreamBytes > costs.Memory)
        {
            return plan with { Saturated = "memory" };
        }
        if (afterLoss * (work.Broadcast + work.Own) * (work.Bytes + costs.MessageOverhead) > costs.Network)
        {
            return plan with { Saturated = "network" };
        }
        if (rate * (costs.BrokerStore + (costs.BrokerRead * servers)) / 1e6 > costs.BrokerCores / 2.0)
        {
            return plan with { Saturated = "broker" };
        }
        if (rate * costs.Read / 1e6 > costs.Cores / 4.0)
        {
            return plan with { Saturated = "reading" };
        }
        var server = new Server(costs, work, streams, rate, rate / servers);
        var random = new Random(1);
        server.Run(Quiet, 0, random);
        var cpu = server.Used / Quiet / costs.Cores;
        if (servers > 1)
        {
            server.Run(costs.ReconnectSpread, (afterLoss - streams) / costs.ReconnectSpread, random);
            server.Run(Quiet, 0, random);
        }
        var delays = server.Delays.Order().ToList();
        var p99 = Percentile(delays, 0.99);
        plan = plan with { P50 = Percentile(delays, 0.5), P99 = p99, Cpu = cpu };
        return p99 > costs.Goal ? plan with { Saturated = work.Broadcast > 0 ? "the core that writes the feed" : "CPU" } : plan;
    }

    private static int Lost(int servers) => Math.Max(1, servers / 100);

    private static double Percentile(List<double> delays, double fraction) =>
        delays.Count == 0 ? 0 : delays[Math.Min(delays.Count - 1, (int)(fraction * delays.Count))];
}
