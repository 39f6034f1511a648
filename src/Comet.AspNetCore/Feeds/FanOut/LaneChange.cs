namespace Comet.AspNetCore.Feeds;

/// <summary>What has happened to a connection of a lane.</summary>
internal enum LaneChange
{
    /// <summary>It has come.</summary>
    Join,

    /// <summary>The client has left.</summary>
    Leave,

    /// <summary>A write that had to wait for the client has completed.</summary>
    Resume,

    /// <summary>Such a write has failed.</summary>
    Fail,
}
