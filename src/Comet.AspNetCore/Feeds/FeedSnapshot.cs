namespace Comet.AspNetCore;

/// <summary>A feed's newest messages and its head at one moment: a page renders these, and its stream goes on after the head.</summary>
/// <typeparam name="T">What the reader takes the feed's messages for.</typeparam>
/// <param name="Messages">The messages, oldest first.</param>
/// <param name="Head">What follows this position is not among the messages, and everything up to it that was asked for is.</param>
public sealed record FeedSnapshot<T>(IReadOnlyList<FeedMessage<T>> Messages, FeedPosition Head);
