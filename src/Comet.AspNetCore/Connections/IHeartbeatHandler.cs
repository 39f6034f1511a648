namespace Comet.AspNetCore.Connections;

/// <summary>Something with open streams, whose deadlines it checks when <see cref="ConnectionHeartbeat"/> calls it.</summary>
internal interface IHeartbeatHandler
{
    /// <summary>What is returned by a handler that is called at each beat.</summary>
    const long NextBeat = 0;

    /// <summary>Checks the deadlines.</summary>
    /// <returns>The first of them, in milliseconds of <see cref="MonotonicClock"/>: the first beat after it calls again.</returns>
    long OnHeartbeat();
}
