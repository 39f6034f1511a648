using static CometBench.Capacity.Assumptions;

namespace CometBench.Capacity;

/// <summary>
/// One server of a plan in steps of 10 ms: work that arrives waits for the cores. A message to everybody is written by as many lanes as
/// there are cores, each to its part of the browsers.
/// </summary>
internal sealed class Server(Plan plan, Random random)
{
    private const double Step = 0.01;

    private readonly List<double> _delays = [];
    private double _streams = plan.Streams;
    private double _work; // of a core, in seconds, that has not been done

    /// <summary>How long after its publishing a message is written to a browser, in seconds: half of them, and 99 in 100.</summary>
    internal static (double P50, double P99) Usual(Plan plan)
    {
        var server = new Server(plan, new Random(1));
        server.Run(600, joining: 0);
        return Percentiles(server._delays);
    }

    /// <summary>The same at a server that takes its part of the browsers of those that were lost, while they come.</summary>
    internal static (double P50, double P99) WhileOthersAreLost(Plan plan)
    {
        var random = new Random(1);
        var delays = new List<double>();
        var joining = plan.Streams * plan.Lost / (plan.PerCell - plan.Lost) / ReconnectSpread;
        for (var loss = 0; loss < 200; loss++)
        {
            var server = new Server(plan, random);
            server.Run(5, joining: 0);
            server._delays.Clear();
            server.Run(ReconnectSpread, joining);
            delays.AddRange(server._delays);
        }
        return Percentiles(delays);
    }

    private static (double P50, double P99) Percentiles(List<double> delays)
    {
        delays.Sort();
        return (delays[delays.Count / 2], delays[delays.Count * 99 / 100]);
    }

    private void Run(double seconds, double joining)
    {
        var publishing = plan.Rate / plan.PerCell;
        for (var time = 0.0; time < seconds; time += Step)
        {
            _streams += joining * Step;
            var opened = Poisson(((_streams / Stay) + joining) * Step);
            var broadcasts = Poisson(plan.Work.Broadcast * Step);
            var own = Poisson(plan.Work.Own * _streams * Step);
            var read = Poisson(plan.Rate * Step);
            var published = Poisson(publishing * Step);
            _work += ((opened * Open) + (own * Delivery) + (read * Read) + (published * Publish)) / 1e6;
            var before = _work;
            _work += broadcasts * _streams * Delivery / 1e6;
            for (var tenth = 1; broadcasts > 0 && tenth <= 10; tenth++)
            {
                _delays.Add((before + ((_work - before) * tenth / 10)) / ServerCores); // not all browsers are the last
            }
            if (own > 0)
            {
                _delays.Add(_work / ServerCores);
            }
            _work -= Math.Min(_work, ServerCores * Step);
        }
    }

    private double Poisson(double mean)
    {
        if (mean > 50)
        {
            var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            return Math.Max(0, Math.Round(mean + (Math.Sqrt(mean) * normal)));
        }
        var (limit, product, count) = (Math.Exp(-mean), random.NextDouble(), 0);
        while (product > limit)
        {
            product *= random.NextDouble();
            count++;
        }
        return count;
    }
}
