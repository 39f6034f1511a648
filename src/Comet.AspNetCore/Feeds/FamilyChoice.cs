using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>The feeds of a family whose keys a visitor may read.</summary>
internal sealed class FamilyChoice(string family, Func<FeedName, IFeedHandle> handleOf, Func<string, bool> mayRead) : FeedChoice
{
    internal override string Family => family;

    internal override IFeedHandle? Default => null;

    internal override bool Has(FeedName name) => name.Family == family && name.Key is not null;

    internal override IFeedHandle? Find(FeedName name) => mayRead(name.Key!) ? handleOf(name) : null;
}
