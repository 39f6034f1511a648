namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// How many parts of RabbitMQ streams a server reads at a time, of all of them together: more would slow down the live feeds. Those who
/// were away for a short time have places of their own, so they never wait for the others.
/// </summary>
internal sealed class ScanPlaces
{
    private const int Each = 2;

    /// <summary>For parts near the end.</summary>
    internal SemaphoreSlim Near { get; } = new(Each);

    /// <summary>For parts further back.</summary>
    internal SemaphoreSlim Far { get; } = new(Each);
}
