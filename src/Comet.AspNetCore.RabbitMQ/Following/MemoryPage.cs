using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>What memory has of a feed after an offset.</summary>
/// <param name="Epoch">The current epoch.</param>
/// <param name="TrimmedThrough">What is at or below this offset is known to have been removed.</param>
/// <param name="Entries">The entries; null: some of them are not in memory.</param>
/// <param name="MissingAfter">The first that are not in memory lie above this offset.</param>
/// <param name="MissingThrough">They lie at or below this one.</param>
/// <param name="Start">All entries above this offset are in memory.</param>
internal sealed record MemoryPage(
    string Epoch, long TrimmedThrough, List<FeedEntry>? Entries, long MissingAfter, long MissingThrough, long Start);
