namespace Comet.AspNetCore.Connections;

/// <summary>A stream that is in no lane, and tells of itself. Safe for concurrent use.</summary>
internal interface IReportingStream
{
    /// <summary>The path of its request.</summary>
    string Path { get; }

    /// <summary>For whom it is counted, as in <see cref="ConnectionLease.Holder"/>.</summary>
    object? Holder { get; }

    /// <summary>How many messages were written.</summary>
    long Messages { get; }

    /// <summary>What there is to tell of its connection.</summary>
    ConnectionReport Report();
}
