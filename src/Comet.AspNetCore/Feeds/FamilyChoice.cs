using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>The feeds of a family whose keys a visitor may read.</summary>
internal sealed class FamilyChoice(
    string family,
    Func<FeedName, IFeedHandle> handleOf,
    Func<string, CancellationToken, ValueTask<bool>> mayRead,
    string? policy) : FeedChoice
{
    internal override string Family => family;

    internal override string? Policy => policy;

    internal override IFeedHandle? Default => null;

    internal override bool Has(FeedName name) => name.Family == family && name.Key is not null;

    internal override async ValueTask<IFeedHandle?> FindAsync(FeedName name, CancellationToken cancellationToken) =>
        await mayRead(name.Key!, cancellationToken) ? handleOf(name) : null;
}
