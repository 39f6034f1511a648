using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>Where the feed behind a <see cref="Feed{T}"/> is found.</summary>
internal interface IFeedHandle
{
    /// <summary>The feed's name.</summary>
    FeedName Name { get; }

    /// <summary>How it, or each feed of its family, is set.</summary>
    FeedOptions Options { get; }

    /// <summary>What every stream uses.</summary>
    ConnectionServices Services { get; }

    /// <summary>Where log messages about feeds go.</summary>
    ILogger Logger { get; }

    /// <summary>The feed, which stays at least until <see cref="FeedCore.Release"/>.</summary>
    FeedCore Acquire();
}
