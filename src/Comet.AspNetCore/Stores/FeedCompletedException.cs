namespace Comet.AspNetCore;

/// <summary>The feed is completed, so it takes no more messages. What was to be published reaches nobody.</summary>
/// <param name="feed">The feed's name.</param>
public sealed class FeedCompletedException(string feed)
    : InvalidOperationException($"The feed {feed} is completed: it takes no more messages.")
{
    /// <summary>The feed's name; for a feed of a family, <c>family/key</c>.</summary>
    public string FeedName { get; } = feed;
}
