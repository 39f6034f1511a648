using System.Diagnostics;
using CometBench.Load.Client;
using CometBench.Load.Servers;

namespace CometBench.Load.Reports;

/// <summary>One server that stopped, and the streams it had.</summary>
internal sealed record StopRun(string Name, ServerStop Stop, IReadOnlyList<ReturningStream> Streams)
{
    /// <summary>Seconds after the signal, in order.</summary>
    internal double[] Ends { get; } = Times(Stop, Streams.Select(stream => stream.End?.At));

    /// <inheritdoc cref="Ends"/>
    internal double[] Returns { get; } = Times(Stop, Streams.Select(stream => stream.ReturnedAt));

    internal int WithoutReason => Streams.Count(stream => stream.End?.Reason is null);

    private static double[] Times(ServerStop stop, IEnumerable<long?> times) =>
        [.. times.OfType<long>().Select(time => Stopwatch.GetElapsedTime(stop.SignalledAt, time).TotalSeconds).Order()];
}
