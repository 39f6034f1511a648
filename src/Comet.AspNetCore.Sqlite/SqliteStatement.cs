using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>A prepared statement; its parameters are named $1, $2 and so on.</summary>
internal sealed class SqliteStatement : IDisposable
{
    private static readonly byte[] NoJson = [0];

    private readonly SqliteCommand _command;

    internal SqliteStatement(SqliteConnection connection, string sql)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (var number = 1; sql.Contains($"${number}", StringComparison.Ordinal); number++)
        {
            _command.Parameters.Add(new SqliteParameter { ParameterName = $"${number}" });
        }
    }

    /// <summary>The number of rows it changed.</summary>
    internal int Execute(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    internal SqliteDataReader Query(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteReader();
    }

    /// <summary>The first column of the first row; null: there is no row.</summary>
    internal T? Value<T>(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return (T?)_command.ExecuteScalar();
    }

    /// <summary>A time in a column. Others may write to the file, and what is no time is the nearest that is one.</summary>
    internal static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(
        Math.Clamp(milliseconds, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    /// <summary>
    /// The payload in a column; empty: it is NULL, a completion. Others may write an empty one, which is as good as no JSON.
    /// </summary>
    internal static byte[] Payload(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? [] : row.GetFieldValue<byte[]>(column) is { Length: > 0 } payload ? payload : NoJson;

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object> values)
    {
        for (var index = 0; index < values.Length; index++)
        {
            _command.Parameters[index].Value = values[index];
        }
    }
}
