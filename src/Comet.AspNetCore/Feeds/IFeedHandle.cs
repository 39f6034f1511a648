namespace Comet.AspNetCore.Feeds;

/// <summary>Where the feed behind a <see cref="Feed{T}"/> is found.</summary>
internal interface IFeedHandle
{
    /// <summary>The feed, which stays at least until <see cref="FeedCore.Release"/>.</summary>
    FeedCore Acquire();
}
