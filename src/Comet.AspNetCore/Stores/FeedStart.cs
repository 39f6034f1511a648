namespace Comet.AspNetCore.Stores;

/// <summary>Where a reader of a feed starts: after a position, at the newest messages, at a time, or (the default) from now on.</summary>
internal readonly record struct FeedStart
{
    /// <summary>The position that was asked for.</summary>
    internal FeedPosition? After { get; private init; }

    /// <summary>How many of the newest retained messages come first.</summary>
    internal int? Newest { get; private init; }

    /// <summary>What was published at this time or later comes first.</summary>
    internal DateTimeOffset? Since { get; private init; }

    internal static FeedStart AtNewest(int count) => new() { Newest = count };

    internal static FeedStart AtTime(DateTimeOffset time) => new() { Since = time };

    public static implicit operator FeedStart(FeedPosition? after) => new() { After = after };
}
