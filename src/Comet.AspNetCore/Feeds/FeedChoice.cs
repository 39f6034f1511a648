using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore;

/// <summary>
/// What a stream of several feeds may carry, for <see cref="CometResults.Feeds"/>: a <see cref="Feed{T}"/>, or those keys of a family that
/// <see cref="KeyedFeeds{T}.Where(Func{string, bool})"/> allows.
/// </summary>
public abstract class FeedChoice
{
    private protected FeedChoice()
    {
    }

    /// <summary>The name of its registration, which metrics show.</summary>
    internal abstract string Family { get; }

    /// <summary>The policy that its feeds are subject to; null: none.</summary>
    internal abstract string? Policy { get; }

    /// <summary>The feed that a stream carries whose request names none; null: it has to be named.</summary>
    internal abstract IFeedHandle? Default { get; }

    /// <summary>Whether a feed of this name is among them.</summary>
    internal abstract bool Has(FeedName name);

    /// <summary>A feed among them; null: this user may not read it.</summary>
    internal abstract ValueTask<IFeedHandle?> FindAsync(FeedName name, CancellationToken cancellationToken);
}
