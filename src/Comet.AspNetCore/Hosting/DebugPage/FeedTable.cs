using Comet.AspNetCore.Feeds;

namespace Comet.AspNetCore.Hosting;

/// <summary>The feeds as one reader of snapshots sees them.</summary>
internal sealed class FeedTable(FeedRegistry registry, IEnumerable<FeedRegistration> registrations, string filter)
{
    private const int MaxRows = 100;

    // How much of a feed's activity counts in the next snapshot: rows keep their places for some seconds.
    private const double Persistence = 0.9;

    private Dictionary<FeedCore, Seen> _before = [];
    private Dictionary<FeedCore, Seen> _seen = [];
    private long? _readAt;

    private readonly record struct Seen(long Next, double Activity);

    private readonly record struct Entry(FeedCore Feed, TailState State, int Readers, long? Growth, double Activity);

    internal DebugFeeds Read(LaneReport[] lanes, long now)
    {
        var rate = new Rate(now - _readAt);
        var readers = CountReaders(lanes);
        var entries = new List<Entry>();
        var matching = new List<Entry>();
        foreach (var feed in registry.Feeds)
        {
            var state = feed.Tail.State;
            long? growth = _before.TryGetValue(feed, out var before) ? state.Next - before.Next : _readAt is null ? null : state.Next;
            var activity = (before.Activity * Persistence) + (growth ?? 0);
            _seen[feed] = new(state.Next, activity);
            var entry = new Entry(feed, state, readers.GetValueOrDefault(feed), growth, activity);
            entries.Add(entry);
            if (filter.Length == 0 || feed.Name.ToString().Contains(filter, StringComparison.OrdinalIgnoreCase))
            {
                matching.Add(entry);
            }
        }
        (_before, _seen) = (_seen, _before);
        _seen.Clear();
        _readAt = now;
        var unusedNames = registrations
            .Where(static feed => !feed.IsFamily)
            .Select(static feed => feed.Name)
            .Except(entries.Where(static entry => entry.Feed.Name.Key is null).Select(static entry => entry.Feed.Family))
            .ToList();
        var unused = unusedNames
            .Where(name => name.Contains(filter, StringComparison.OrdinalIgnoreCase))
            .Select(static name => new DebugFeed(name, "closed", null, null, 0, null, HasStore: false, Readers: 0, null))
            .ToList();
        var isAll = matching.Count + unused.Count <= MaxRows;
        matching.Sort(isAll ? ByName : ByActivity);
        IEnumerable<DebugFeed> rows = [.. matching.Take(MaxRows).Select(entry => RowOf(entry, rate)), .. unused];
        return new DebugFeeds(
            entries.Count + unusedNames.Count,
            matching.Count + unused.Count,
            rate.Of(entries.Sum(static entry => entry.Growth ?? 0)),
            FamiliesOf(entries, rate),
            isAll ? [.. rows.OrderBy(static row => row.Name, StringComparer.Ordinal)] : [.. rows.Take(MaxRows)]);
    }

    private static Dictionary<FeedCore, int> CountReaders(LaneReport[] lanes)
    {
        var readers = new Dictionary<FeedCore, int>();
        foreach (var (feeds, connections) in lanes.SelectMany(static lane => lane.Groups))
        {
            foreach (var feed in feeds.Feeds)
            {
                readers[feed] = readers.GetValueOrDefault(feed) + connections;
            }
        }
        return readers;
    }

    private static int ByName(Entry left, Entry right)
    {
        var byFamily = string.CompareOrdinal(left.Feed.Family, right.Feed.Family);
        return byFamily != 0 ? byFamily : string.CompareOrdinal(left.Feed.Name.Key, right.Feed.Name.Key);
    }

    private static int ByActivity(Entry left, Entry right)
    {
        var byActivity = (right.Activity, right.Readers, right.State.Next - right.State.First)
            .CompareTo((left.Activity, left.Readers, left.State.Next - left.State.First));
        return byActivity != 0 ? byActivity : ByName(left, right);
    }

    private List<DebugFamily> FamiliesOf(List<Entry> entries, Rate rate)
    {
        var byFamily = entries.Where(static entry => entry.Feed.Name.Key is not null).ToLookup(static entry => entry.Feed.Family);
        return [.. registrations.Where(static feed => feed.IsFamily).Select(family => new DebugFamily(
            family.Name,
            byFamily[family.Name].Count(),
            byFamily[family.Name].Sum(static entry => entry.Readers),
            rate.Of(byFamily[family.Name].Sum(static entry => entry.Growth ?? 0))))];
    }

    private static DebugFeed RowOf(Entry entry, Rate rate)
    {
        var (feed, state) = (entry.Feed, entry.State);
        var isOpen = state.Head.Epoch.Length > 0;
        var messages = state.Next - state.First - (state.IsCompleted ? 1 : 0);
        var oldest = messages > 0 && feed.Tail.Copy(state.Start, 1) is [var first] ? first : default;
        var hasOldest = oldest.Offset > 0; // it may have been trimmed meanwhile
        return new DebugFeed(
            feed.Name.ToString(),
            !isOpen ? "closed" : state.IsCompleted ? "completed" : "open",
            isOpen ? state.LiveHead.ToString() : null,
            hasOldest ? (state.Head with { Offset = oldest.Offset }).ToString() : null,
            messages,
            hasOldest ? oldest.At : null,
            feed.IsStoreOutside,
            entry.Readers,
            rate.Of(entry.Growth));
    }
}
