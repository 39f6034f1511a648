using Comet.AspNetCore.Connections;

namespace Comet.AspNetCore.Feeds;

/// <summary>The feeds of a stream. Sets of the same feeds in the same order, of one action, are equal.</summary>
/// <param name="feeds">At least one, in the order of their names, whatever the order in a request.</param>
/// <param name="label">What metrics call them: the families that the action offers, so that clients add none.</param>
/// <param name="areNamed">Whether the stream may have several, so that each message says which it is from.</param>
internal sealed class FeedSet(FeedCore[] feeds, string label, bool areNamed) : IEquatable<FeedSet>
{
    private readonly int _hash = HashOf(feeds);

    internal ReadOnlySpan<FeedCore> Feeds => feeds;

    /// <inheritdoc cref="FeedSet(FeedCore[], string, bool)" path="/param[@name='areNamed']"/>
    internal bool AreNamed => areNamed;

    /// <inheritdoc cref="FeedSet(FeedCore[], string, bool)" path="/param[@name='label']"/>
    internal string Label => label;

    /// <summary>What every stream uses.</summary>
    internal ConnectionServices Services => feeds[0].Services;

    /// <summary>The loops that write to connections.</summary>
    internal Lanes Lanes => feeds[0].Lanes;

    /// <summary>Whether opening or reading a log may take a while.</summary>
    internal bool IsAnyStoreOutside => Array.Exists(feeds, static feed => feed.IsStoreOutside);

    /// <summary>Gives the feeds back, which stayed for this stream.</summary>
    internal void Release()
    {
        foreach (var feed in feeds)
        {
            feed.Release();
        }
    }

    public bool Equals(FeedSet? other) =>
        other is not null && label == other.Label && areNamed == other.AreNamed && feeds.AsSpan().SequenceEqual(other.Feeds);

    public override bool Equals(object? obj) => Equals(obj as FeedSet);

    public override int GetHashCode() => _hash;

    private static int HashOf(FeedCore[] feeds)
    {
        var hash = new HashCode();
        foreach (var feed in feeds)
        {
            hash.Add(feed.Name);
        }
        return hash.ToHashCode();
    }
}
