namespace Comet.AspNetCore;

/// <summary>One message of a feed, as code reads it.</summary>
/// <param name="Position">Its id: reading after it gives the next message.</param>
/// <param name="Value">What was published.</param>
public readonly record struct FeedMessage<T>(FeedPosition Position, T Value);
