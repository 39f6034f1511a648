using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;

namespace Comet.AspNetCore.Hosting;

/// <summary>The open streams as one reader of snapshots sees them.</summary>
internal sealed class StreamTable(CometOptions options, ConnectionHeartbeat heartbeat, OpenStreams open, string filter)
{
    private const int MaxRows = 100;
    private const int MaxNames = 3;
    private const long SlowAfter = 1000; // milliseconds

    private readonly Dictionary<FeedSet, string?> _names = []; // null: the filter leaves it out
    private Dictionary<Connection, Seen> _before = [];
    private Dictionary<Connection, Seen> _seen = [];
    private long _numbers;
    private long? _readAt;

    private readonly record struct Seen(long Number, long Messages, long Bytes);

    internal DebugStreams Read(LaneReport[] lanes, long now)
    {
        var rate = new Rate(now - _readAt);
        var (rows, slow, listed, messages, bytes) = (new List<DebugStream>(), 0, 0, 0L, 0L);
        foreach (var lane in lanes)
        {
            listed += lane.Groups.Sum(static group => group.Connections);
            foreach (var reader in lane.Readers)
            {
                Add(NameOf(reader.Feeds), reader.Connection, reader.Holder, reader.Place, reader.Lag);
            }
        }
        // The page's own have another heartbeat.
        foreach (var sequence in heartbeat.Handlers.OfType<IReportingStream>())
        {
            listed++;
            var name = sequence.Path.Contains(filter, StringComparison.OrdinalIgnoreCase) ? sequence.Path : null;
            Add(name, sequence.Report(), sequence.Holder, sequence.Messages, lag: null);
        }
        var read = _seen.Count;
        (_before, _seen) = (_seen, _before);
        _seen.Clear();
        _names.Clear();
        _readAt = now;
        rows.Sort(static (left, right) => (right.IsSlow, right.Lag ?? 0, right.Waiting ?? 0, left.Age, right.Number)
            .CompareTo((left.IsSlow, left.Lag ?? 0, left.Waiting ?? 0, right.Age, left.Number)));
        return new DebugStreams(
            open.Count,
            Math.Max(0, open.Count - listed),
            slow,
            rows.Count,
            listed - read,
            rate.Of(messages),
            rate.Of(bytes),
            [.. rows.Take(MaxRows)]);

        void Add(string? name, ConnectionReport connection, object? holder, long place, long? lag)
        {
            var sent = (options.MaxBytes ?? long.MaxValue) - connection.BytesLeft;
            var isKnown = _before.TryGetValue(connection.Connection, out var before);
            var number = isKnown ? before.Number : ++_numbers;
            _seen[connection.Connection] = new(number, place, sent);
            var isSlow = lag > 0 || connection.Waiting >= SlowAfter;
            slow += isSlow ? 1 : 0;
            messages += isKnown ? place - before.Messages : 0;
            bytes += isKnown ? sent - before.Bytes : 0;
            if (name is not null)
            {
                rows.Add(new(
                    number,
                    name,
                    IsSequence: lag is null,
                    connection.Format.Name,
                    holder?.ToString(),
                    connection.Connection.IsPoll,
                    connection.Age,
                    lag,
                    connection.Waiting,
                    isSlow,
                    sent,
                    rate.Of(isKnown ? place - before.Messages : null),
                    rate.Of(isKnown ? sent - before.Bytes : null)));
            }
        }
    }

    private string? NameOf(FeedSet feeds)
    {
        if (!_names.TryGetValue(feeds, out var name))
        {
            _names.Add(feeds, name = Find(feeds));
        }
        return name;
    }

    private string? Find(FeedSet feeds)
    {
        var (names, hasFilter) = (new List<string>(MaxNames), false);
        foreach (var feed in feeds.Feeds)
        {
            var name = feed.Name.ToString();
            hasFilter |= name.Contains(filter, StringComparison.OrdinalIgnoreCase);
            if (names.Count < MaxNames)
            {
                names.Add(name);
            }
        }
        var more = feeds.Feeds.Length - names.Count;
        return !hasFilter ? null : string.Join(" + ", names) + (more > 0 ? $" + {more} more" : "");
    }
}
