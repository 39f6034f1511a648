using Comet.AspNetCore.Connections;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The loops that write to all connections of feeds, as many as there are processors. A connection stays in the lane that it has joined.
/// </summary>
internal sealed class Lanes
{
    // Connections that read the same are cheapest together, in one lane, until there are enough of them for another core.
    private const int Tolerance = 2048;

    private readonly Lane[] _lanes;

    public Lanes(ConnectionServices services)
        : this(services, Environment.ProcessorCount)
    {
    }

    internal Lanes(ConnectionServices services, int count) =>
        _lanes = [.. Enumerable.Range(0, count).Select(_ => new Lane(services))];

    /// <summary>The lane for another connection that reads these feeds.</summary>
    internal Lane Choose(FeedSet set)
    {
        var home = _lanes[(uint)set.GetHashCode() % (uint)_lanes.Length];
        var emptiest = home;
        foreach (var lane in _lanes)
        {
            if (lane.Count < emptiest.Count)
            {
                emptiest = lane;
            }
        }
        return home.Count - emptiest.Count < Tolerance ? home : emptiest;
    }

    /// <summary>What the lanes have that have connections.</summary>
    internal Task<LaneReport[]> ReportAsync() =>
        Task.WhenAll(_lanes.Where(static lane => lane.Count > 0).Select(static lane => lane.ReportAsync()));
}
