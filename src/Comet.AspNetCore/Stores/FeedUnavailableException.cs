namespace Comet.AspNetCore;

/// <summary>The store behind a feed cannot do this now. The message says what is wrong and holds no secret.</summary>
public sealed class FeedUnavailableException : Exception
{
    /// <summary>With what is wrong and what to do.</summary>
    public FeedUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>With what is wrong and what to do, and the cause.</summary>
    public FeedUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
