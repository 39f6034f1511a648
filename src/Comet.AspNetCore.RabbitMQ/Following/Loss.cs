namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Why a RabbitMQ stream does not continue where this server has stopped reading.</summary>
internal enum Loss
{
    None,

    /// <summary>Retention removed messages before this server had read them.</summary>
    Overtaken,

    /// <summary>The last message that was read is not there: the stream was deleted, or has lost its end.</summary>
    Truncated,
}
