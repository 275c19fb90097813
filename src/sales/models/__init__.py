from sales.models.facts import (
    DailyProductSales,
    DailySales,
    KeptPeriod,
    KeptStockHealth,
    PeriodProductSales,
    ProductSalesChange,
    SalesVerification,
)
from sales.models.history import ArchivedSales, StagedHistoryLine
from sales.models.tickets import ReceiptCounter, Sale, SaleLine, SalePayment, TillReference
from sales.models.tills import CashMovement, TillSession

__all__ = [
    "ArchivedSales",
    "CashMovement",
    "DailyProductSales",
    "DailySales",
    "KeptPeriod",
    "KeptStockHealth",
    "PeriodProductSales",
    "ProductSalesChange",
    "ReceiptCounter",
    "Sale",
    "SaleLine",
    "SalePayment",
    "SalesVerification",
    "StagedHistoryLine",
    "TillReference",
    "TillSession",
]
