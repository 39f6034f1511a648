namespace CometBench.Capacity;

/// <summary>
/// One server, second by second in steps of 10 ms: work that arrives waits for a core. All messages of one feed are written by one
/// loop, so a broadcast uses one core however many there are; messages of many feeds use all.
/// </summary>
internal sealed class Server(Assumptions costs, Workload work, double streams, double cellRate, double publishRate)
{
    private const double Step = 0.01;

    private double _loop;
    private double _shared;

    /// <summary>How long a message waits and takes, each time one arrived, in seconds.</summary>
    internal List<double> Delays { get; } = [];

    /// <summary>CPU time used, in seconds of one core.</summary>
    internal double Used { get; private set; }

    internal double Streams { get; private set; } = streams;

    /// <param name="seconds">How long.</param>
    /// <param name="joining">Streams that come each second besides the usual change.</param>
    /// <param name="random">Decides when messages are published.</param>
    internal void Run(double seconds, double joining, Random random)
    {
        for (var time = 0.0; time < seconds; time += Step)
        {
            Streams += joining * Step;
            var opened = Poisson(random, ((Streams / costs.Stay) + joining) * Step);
            var broadcasts = Poisson(random, work.Broadcast * Step);
            var own = Poisson(random, work.Own * Streams * Step);
            var reads = Poisson(random, cellRate * Step);
            var publishes = Poisson(random, publishRate * Step);
            _loop += broadcasts * Streams * costs.Delivery / 1e6;
            _shared += ((opened * costs.Open) + (own * costs.Delivery) + (reads * costs.Read) + (publishes * costs.Publish)) / 1e6;
            if (broadcasts > 0)
            {
                Delays.Add(_loop + (_shared / costs.Cores));
            }
            if (own > 0)
            {
                Delays.Add(_shared / costs.Cores);
            }
            var loop = Math.Min(_loop, Step);
            var shared = Math.Min(_shared, (costs.Cores * Step) - loop);
            (_loop, _shared, Used) = (_loop - loop, _shared - shared, Used + loop + shared);
        }
    }

    private static double Poisson(Random random, double mean)
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
